"""Faults that the tests cause on the real cluster, each undone at the end of its block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from infra.cli.airflow_api import AirflowApi
from infra.cli.examples import ExampleDatabase
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.values import names
from tests.cluster import objects, support
from tests.waiting import wait_for

FAULTY = "faulty"
_ROLLOUT = 240


def in_dag_processor(platform: Platform) -> tuple[str, ...]:
    """What `kubectl exec` needs to run Python in the DAG processor's pod."""
    workload = f"deployment/{names.DAG_PROCESSOR}"
    return ("-n", platform.namespace, workload, "-c", "dag-processor", "--", "python", "-c")


def finish(platform: Platform, api: AirflowApi, *reports: RunReport) -> set[str]:
    """Wait for the ends of runs; how they ended."""
    return {str(support.finish(platform, api, report).state) for report in reports}


def wait_state(
    api: AirflowApi, report: RunReport, task_id: str, state: str, least: int = 1
) -> None:
    """Wait until as many instances of a task are in a state."""

    def there() -> bool:
        rows = api.task_instances(report.dag_id, report.run_id)
        return [row.state for row in rows if row.task_id == task_id].count(state) >= least

    wait_for(there, 120, f"{least} of {report.dag_id}.{task_id} to be {state}")


def pods(platform: Platform, api: AirflowApi, report: RunReport, task_id: str) -> list[str]:
    """The names of the pods of a task, of which there is one at least."""
    platform.watcher(api).look(report)
    found = [pod.name for key, pod in report.pods.items() if key[0] == task_id]
    assert found
    return found


def delete_pods(platform: Platform, api: AirflowApi, report: RunReport, task_id: str) -> None:
    """Delete the pods of a task."""
    for name in pods(platform, api, report, task_id):
        objects.delete(platform, "pod", name, platform.tasks_namespace)


def metadata(platform: Platform, sql: str) -> list[list[str]]:
    """Run SQL in Airflow's own database."""
    return ExampleDatabase(platform, "airflow").sql(sql)


def queued_earlier(platform: Platform, dag_id: str, minutes: int) -> None:
    """Put into the past when a DAG's waiting tasks were queued: nobody waits that long here."""
    metadata(
        platform,
        "UPDATE task_instance"  # noqa: S608 -- our own words
        f" SET queued_dttm = queued_dttm - interval '{minutes} minutes'"
        f" WHERE dag_id = '{dag_id}' AND state = 'queued'",
    )


@contextmanager
def patched(
    platform: Platform, namespace: str, target: str, path: str, change: Callable[[Any], Any]
) -> Iterator[None]:
    """Have a field of an object (deployment/x) be something else while the block runs.

    Args:
        platform: Whose.
        namespace: Of the object.
        target: Its kind and name.
        path: JSON pointer of a field that is there.
        change: What it is to be, of what it is.
    """
    where = ("-n", namespace)
    before: Any = platform.kubectl.json("get", target, *where)
    for part in path.strip("/").split("/"):
        before = before[int(part)] if isinstance(before, list) else before[part]

    def put(new: object) -> None:
        patch = json.dumps([{"op": "replace", "path": path, "value": new}])
        platform.kubectl.run("patch", target, *where, "--type=json", "-p", patch)

    put(change(before))
    try:
        yield
    finally:
        put(before)


@contextmanager
def variable(platform: Platform, workload: str, name: str, value: str) -> Iterator[None]:
    """Have a component (deployment/x) run with a variable of its environment in the block."""
    _set(platform, workload, f"{name}={value}")
    try:
        yield
    finally:
        _set(platform, workload, f"{name}-")


def _set(platform: Platform, workload: str, change: str) -> None:
    platform.kubectl.run("set", "env", workload, change, "-n", platform.namespace)
    wait_rollout(platform, platform.namespace, workload)


def restart(platform: Platform, namespace: str, workload: str) -> None:
    """Make the pods of a workload anew."""
    platform.kubectl.run("rollout", "restart", workload, "-n", namespace)
    wait_rollout(platform, namespace, workload)


def wait_rollout(platform: Platform, namespace: str, workload: str) -> None:
    """Wait until the pods of a workload are those of its template."""
    status = ("rollout", "status", workload, "-n", namespace, f"--timeout={_ROLLOUT}s")
    platform.kubectl.run(*status, timeout=_ROLLOUT + 10)


@contextmanager
def may_not_create_pods(platform: Platform) -> Iterator[None]:
    """Take the right to create task pods from whoever has it by a Role while the block runs."""
    namespace = platform.tasks_namespace
    with ExitStack() as stack:
        changed = 0
        for role in platform.kubectl.items("roles", "-n", namespace):
            for number, rule in enumerate(role["rules"]):
                if "pods" in rule["resources"] and "create" in rule["verbs"]:
                    where = (f"role/{role['metadata']['name']}", f"/rules/{number}/verbs")
                    stack.enter_context(patched(platform, namespace, *where, _without_create))
                    changed += 1
        assert changed, "nobody has it"
        yield


def _without_create(verbs: list[str]) -> list[str]:
    return [verb for verb in verbs if verb != "create"]


@contextmanager
def meanwhile(platform: Platform, *args: str) -> Iterator[None]:
    """Have a command of kubectl run while the block does; it has to end well by itself."""
    running = subprocess.Popen(platform.kubectl.command(*args), stdin=subprocess.DEVNULL)
    try:
        yield
        assert running.wait(180) == 0
    finally:
        running.kill()
        running.wait()


def kill_container(platform: Platform, namespace: str, name: str) -> None:
    """Kill the one container of the one pod of a server, as a crash does; its pod stays."""
    label = f"app.kubernetes.io/name={name}"
    [pod] = platform.kubectl.items("pods", "-n", namespace, "-l", label)
    [container] = pod["status"]["containerStatuses"]
    identity = container["containerID"].partition("://")[2]
    found = [file for file in Path("/proc").glob("[0-9]*/cgroup") if identity in _text(file)]
    assert found, f"no process of {identity}"
    for file in found:
        os.kill(int(file.parent.name), signal.SIGKILL)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""  # it has ended meanwhile
