"""A platform of the tests' own, made by make up and taken down whatever comes of the tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from infra.cli import checks, choices
from infra.cli.airflow_api import AirflowApi
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.local.paths import Paths
from tests.cluster import support, watching

# After what makes a platform of its own comes the one of make up, first as it was left; its end is
# a test too, and no other can come after it.
ORDER = (
    "test_settings.py",
    "test_node_stores.py",
    "test_join.py",
    "test_node.py",
    "test_platform.py",
    "test_licences.py",
    "test_fan_out.py",
    "test_dags_by_git.py",
    "test_library.py",
    "test_watching.py",
    "faults/test_notifications.py",
    "test_platform_page.py",
    "faults/test_scheduling.py",
    "faults/test_pods.py",
    "faults/test_tasks.py",
    "faults/test_control_plane.py",
    "faults/test_components.py",
    "faults/test_watching.py",
    "faults/test_logs.py",
    "test_alert_coverage.py",
    "test_end.py",
)
LAST = ORDER[-1]
HERE = Path(__file__).resolve().parent
DAGS = HERE / "dags"


def place(file: Path) -> int:
    """Where a file's tests come; those that need no cluster come first.

    Raises:
        pytest.UsageError: It is one of the cluster's, and ORDER lacks it.
    """
    if not file.is_relative_to(HERE):
        return -1
    name = file.relative_to(HERE).as_posix()
    if name not in ORDER:
        raise pytest.UsageError(f"{file}: it has no place in ORDER of tests/cluster/conftest.py")
    return ORDER.index(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path.resolve()))


@pytest.fixture(scope="session")
def instance() -> str:
    name = os.environ.get("INSTANCE") or checks.instance()
    assert name.startswith("test-"), f"the tests delete their platform, so not {name}"
    os.environ["INSTANCE"] = name
    return name


@pytest.fixture(scope="session")
def first_up(instance: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """What make up printed after one that was killed; takes the platform down at the end.

    For a group of slow tests none is killed: that shows no more than `make test` does.
    """
    keep, slow = (request.config.getoption(name) for name in ("--keep", "--slow"))
    recorded = choices.read(Paths.for_instance(instance).state) if keep else None
    if not keep:
        support.command("down", YES="1")  # what a killed run has left
    os.environ["SET"] = " ".join(watching.SETTINGS)
    os.environ["UI_PORT"] = str(recorded.ui_port if recorded else support.free_port())
    try:
        if not (keep or slow):
            support.killed_up(after="] Deploy by")
        yield support.command("up")
    except BaseException:
        diagnose(instance)
        raise
    finally:
        if not keep:
            support.command("down", YES="1")


@pytest.fixture(scope="session")
def platform(first_up: str, instance: str) -> Platform:
    assert "dynamic_tasks" in first_up
    return Platform.recorded(Options(instance=instance))


@pytest.fixture(scope="session")
def api(platform: Platform) -> Iterator[AirflowApi]:
    with platform.api() as made:
        yield made


@pytest.fixture(scope="session")
def watch(platform: Platform) -> watching.Watch:
    return watching.Watch(platform)


@pytest.fixture(scope="session")
def pushed(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests' own DAGs, pushed by git."""
    files = {file.name: file.read_text() for file in DAGS.glob("*.py")}
    assert files
    support.push_by_git(platform, tmp_path_factory.mktemp("pushed"), files)


@pytest.fixture(scope="session")
def ledger(platform: Platform, api: AirflowApi) -> support.Ledger:
    made = support.Ledger(platform)
    made.create(api)
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when == "call" and item.path.name != LAST:
        diagnose(os.environ.get("INSTANCE", ""))
    return report


def diagnose(instance: str) -> None:
    """Print pods, events and last logs, for whoever reads the failure without the cluster."""
    try:
        platform = Platform.recorded(Options(instance=instance))
        kubectl = platform.kubectl
        sections = [
            ("get", "pods", "-A", "-o", "wide"),
            ("get", "events", "-A", "--sort-by=.lastTimestamp"),
            *(
                ("logs", "-n", platform.namespace, f"deployment/{name}", "--all-containers")
                for name in ("airflow-scheduler", "airflow-api-server", "airflow-dag-processor")
            ),
        ]
        sections += [
            (
                "logs",
                "-n",
                platform.namespace,
                pod["metadata"]["name"],
                "--previous",
                "-c",
                each["name"],
            )
            for pod in kubectl.items("pods", "-n", platform.namespace)
            for each in pod["status"].get("containerStatuses", [])
            if each["restartCount"]
        ]
        for section in sections:
            print(f"--- kubectl {' '.join(section)}")
            try:
                print("\n".join(kubectl.run(*section).splitlines()[-40:]))
            except UpdraftError as error:
                print(error)
    except UpdraftError as error:
        print(f"no diagnosis: {error}", file=sys.stderr)
