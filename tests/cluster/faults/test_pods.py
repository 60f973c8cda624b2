"""Task pods that Kubernetes refuses, and DAG files that are slow or never read, fire alerts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from tests.cluster import objects, support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch

RUNS = 4
GOOD = "from airflow.sdk import dag\n"
SLEEPS = f"import time\n{GOOD}time.sleep(17)\n"
# Airflow breaks a long import off by an error, which this one does not mind.
NEVER_ENDS = f"""import time
{GOOD}
for _ in range(3):
    try:
        time.sleep(60)
    except BaseException:
        pass
"""
# In seconds: a push costs a second, and a file that was pushed takes 17 to be read.
BETWEEN_PUSHES = 5
SLOWLY_READ = ("AirflowDagParseSlow", "AirflowDagParseTimeout")

pytestmark = [pytest.mark.slow(group="faults"), pytest.mark.usefixtures("listener")]


@contextmanager
def slow_files(platform: Platform, folder: Path) -> Iterator[Callable[[], None]]:
    """Have a file that never ends while the block runs; yield what pushes a slow one anew.

    Each push is read anew: the waits of these tests are shorter than from one reading of a file
    to the next.
    """
    pushes = iter(range(1000))
    last = 0.0

    def push(**texts: str) -> None:
        below = folder / str(next(pushes))
        below.mkdir()
        support.push_by_git(platform, below, {f"{name}.py": text for name, text in texts.items()})

    def push_slow() -> None:
        nonlocal last
        if time.monotonic() > last + BETWEEN_PUSHES:
            push(slow=f"# {next(pushes)}\n{SLEEPS}")
            last = time.monotonic()

    push(endless=NEVER_ENDS)
    try:
        yield push_slow
    finally:
        push(endless=GOOD, slow=GOOD)


def refused(api: AirflowApi) -> None:
    """Begin runs whose pods are asked for, twice within a window of the rules."""
    for _ in range(2):
        for _ in range(RUNS):
            support.start(api, causes.FAULTY, fault="none")
        time.sleep(20)


def absent_webhook(platform: Platform) -> objects.Manifest:
    """A webhook that nobody answers, and that every task pod needs."""
    nobody = {"service": {"name": "nobody", "namespace": platform.namespace, "path": "/"}}
    tasks = {"matchLabels": {"kubernetes.io/metadata.name": platform.tasks_namespace}}
    pods = {
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
    }  # fmt: skip
    webhook = {
        "name": "nobody.tests.example.com",
        "clientConfig": nobody,
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
        "namespaceSelector": tasks,
        "rules": [pods],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "tests-nobody"},
        "webhooks": [webhook],
    }


@pytest.mark.fires("AirflowPodCreationForbidden", "AirflowPodCreationFailing", *SLOWLY_READ)
@pytest.mark.fills("a DAG file that sleeps while it is imported")
def test_pods_that_are_refused_fire_beside_files_that_are_slow_or_never_read(
    platform: Platform, api: AirflowApi, watch: Watch, tmp_path: Path
) -> None:
    """The scheduler may not create pods; then it may, and what should admit them is absent."""
    with slow_files(platform, tmp_path) as push_slow:
        with causes.may_not_create_pods(platform):
            refused(api)
            watch.wait_firing("AirflowPodCreationForbidden", meanwhile=push_slow)
        watch.end("AirflowPodCreationForbidden")
        with objects.applied(platform, absent_webhook(platform)):
            refused(api)
            watch.wait_firing("AirflowPodCreationFailing", *SLOWLY_READ, meanwhile=push_slow)
    watch.end("AirflowPodCreationFailing", *SLOWLY_READ)
