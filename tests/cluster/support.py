"""What the cluster tests share: the commands, a ledger in PostgreSQL, and looks at pods."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.cli.airflow_api import AirflowApi
from infra.cli.arrival import wait_for_dag
from infra.cli.examples import ExampleDatabase
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.root import ROOT
from infra.values import names
from tests.waiting import wait_for

LEDGER = "ledger"
DAG = "dynamic_tasks"
RUN_TIMEOUT = 900
FIRST_TRY = 1


def command(*arguments: str, timeout: float = 1800, **environment: str) -> str:
    """Run `python -m infra.cli …` as make does and return what it printed.

    Raises:
        AssertionError: It failed; with all that it said.
    """
    done = attempt(*arguments, timeout=timeout, **environment)
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def attempt(
    *arguments: str, timeout: float = 1800, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m infra.cli …`, standard error mixed into its output, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def killed_up(after: str) -> None:
    """Begin make up and kill it, and all that it started, once it has printed a text."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "up"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    seen = []
    for line in process.stdout or ():
        seen.append(line)
        if after in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert any(after in line for line in seen), f"it ended before: {''.join(seen)}"


def git(*arguments: str, cwd: Path) -> str:
    """Run git as some author; what it printed."""
    who = ("-c", "user.name=Author", "-c", "user.email=author@example.com")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def push_by_git(platform: Platform, folder: Path, files: Mapping[str, str]) -> None:
    """Clone the platform's DAG repository into a new folder below one, add files and push them."""
    clone = folder / "dags"
    with platform.git_remote() as remote:
        user = f"//{remote.username}:{remote.password}@"
        git("clone", "-q", remote.url.replace("//", user), str(clone), cwd=folder)
        for name, text in files.items():
            (clone / platform.settings.dags.sub_path / name).write_text(text)
        git("add", "-A", cwd=clone)
        git("commit", "-q", "--allow-empty", "-m", f"Add {', '.join(files)}", cwd=clone)
        git("push", "-q", cwd=clone)


def start(api: AirflowApi, dag_id: str, **conf: object) -> RunReport:
    """Begin a run of a DAG, once it is parsed."""
    if wait_for_dag(api, dag_id, print)["is_paused"]:
        api.unpause(dag_id)
    return RunReport(dag_id, api.trigger(dag_id, conf))


def start_schedule(api: AirflowApi, dag_id: str) -> None:
    """Have the scheduler begin a DAG's runs by its schedule, once it is parsed."""
    wait_for_dag(api, dag_id, print)
    api.unpause(dag_id)


def pause(api: AirflowApi, dag_id: str) -> None:
    """Keep the scheduler from beginning runs of a DAG."""
    api.call("PATCH", f"dags/{dag_id}?update_mask=is_paused", {"is_paused": True})


def run(platform: Platform, api: AirflowApi, dag_id: str, **conf: object) -> RunReport:
    """Run a DAG to its end, once it is parsed."""
    report = finish(platform, api, start(api, dag_id, **conf))
    print(f"{dag_id} {conf}: {report.state}; {report.counts()}")
    return report


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Row:
    """One side effect: an item that some pod says to have processed."""

    item: int
    try_number: int
    pod: str


class Ledger(ExampleDatabase):
    """A database of its own, where each processed item leaves a row.

    Args:
        platform: Whose PostgreSQL.
    """

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform, LEDGER)

    def create(self, api: AirflowApi) -> bool:
        """Make the database, its user, its table, and Airflow's connection to it, all of it new."""
        self.drop(api)
        new = super().create(api)
        columns = "run_id text, item integer, try_number integer, pod text"
        self.sql(f"SET ROLE {LEDGER}; CREATE TABLE {LEDGER} ({columns})")
        return new

    def rows(self, run_id: str) -> list[Row]:
        """The side effects of a run."""
        where = f"run_id = '{run_id}'"
        found = self.sql(f"SELECT item, try_number, pod FROM {LEDGER} WHERE {where}")  # noqa: S608
        return [Row(int(item), int(number), pod) for item, number, pod in found]


def trigger(api: AirflowApi, **conf: object) -> RunReport:
    """Begin a run of dynamic_tasks that writes to the ledger."""
    return RunReport(DAG, api.trigger(DAG, {"ledger_conn_id": LEDGER, **conf}))


def finish(platform: Platform, api: AirflowApi, report: RunReport) -> RunReport:
    """Wait until a run has ended."""
    watcher = platform.watcher(api)

    def ended() -> bool:
        watcher.look(report)
        return report.done

    wait_for(ended, RUN_TIMEOUT, f"the end of {report.run_id}: {report.counts()}")
    return report


def assert_once_each(rows: list[Row], items: int, *, first_try: bool = True) -> None:
    """Each item left one side effect, and at its first try if asked for."""
    counted = Counter(row.item for row in rows)
    print(f"ledger: {len(rows)} rows, items {sorted(counted.items())}")
    assert counted == Counter(range(items)), "an item was lost or processed twice"
    if first_try:
        assert {row.try_number for row in rows} == {FIRST_TRY}


def mapped_pods(report: RunReport) -> dict[int, str]:
    """The names of the pods of the run's mapped task, by map index, at their first try."""
    keys = [key for key in report.pods if key[0] == "process" and key[2] == FIRST_TRY]
    return {index: report.pods[task, index, number].name for task, index, number in keys}


@contextmanager
def quota(platform: Platform, pods: int) -> Iterator[None]:
    """Let no more than so many task pods live at once while the block runs."""
    where = ("-n", platform.tasks_namespace, "--type=merge", "-p")
    before = platform.settings.tasks.quota.pods
    change = '{"spec":{"hard":{"pods":"%d"}}}'
    platform.kubectl.run("patch", "resourcequota", names.TASKS, *where, change % pods)
    try:
        wait_for(lambda: hard_pods(platform) == pods, 60, f"a quota of {pods} pods in force")
        yield
    finally:
        platform.kubectl.run("patch", "resourcequota", names.TASKS, *where, change % before)


def hard_pods(platform: Platform) -> int:
    """How many task pods the quota in force admits."""
    where = ("get", "resourcequota", names.TASKS, "-n", platform.tasks_namespace)
    return int(platform.kubectl.json(*where)["status"]["hard"]["pods"])


def most_at_once(pods: Iterable[Mapping[str, Any]]) -> int:
    """The most pods that lived at once, by when the kubelet took them and their container's end.

    A pod's creation is noted before the quota is asked, which takes its time on a busy machine.
    Times are of whole seconds, cut off, so an end in the second of a start came before it.
    """
    changes: list[tuple[datetime, int]] = []
    for pod in pods:
        ends = [
            state["state"]["terminated"]["finishedAt"]
            for state in pod["status"].get("containerStatuses", [])
            if "terminated" in state["state"]
        ]
        assert ends, f"{pod['metadata']['name']} has not ended"
        changes += [
            (datetime.fromisoformat(pod["status"]["startTime"]), 1),
            (datetime.fromisoformat(max(ends)), -1),
        ]
    live = most = 0
    for _, change in sorted(changes):
        live += change
        most = max(most, live)
    return most


def pods_of_run(platform: Platform, report: RunReport) -> list[dict[str, Any]]:
    """The run's pods as the cluster tells them."""
    items = platform.kubectl.items("pods", "-n", platform.tasks_namespace)
    names_ = {pod.name for pod in report.pods.values()}
    return [item for item in items if item["metadata"]["name"] in names_]


def ended_pods(platform: Platform, report: RunReport) -> list[dict[str, Any]]:
    """The same once all have ended: a pod's end comes a little after its task's."""

    def ended() -> list[dict[str, Any]]:
        pods = pods_of_run(platform, report)
        phases = {pod["status"]["phase"] for pod in pods}
        return pods if phases <= {"Succeeded", "Failed"} else []

    return wait_for(ended, 60, "the run's pods to end")


def scheduler_log(platform: Platform, since: datetime) -> str:
    """What the scheduler has logged since a moment."""
    where = ("-n", platform.namespace, f"deployment/{names.SCHEDULER}", "-c", "scheduler")
    return platform.kubectl.run("logs", *where, f"--since-time={since.isoformat()}")


def settle(platform: Platform) -> None:
    """Wait until no task pod lives: the last ones end a little after their run."""

    def settled() -> bool:
        pods = platform.kubectl.items("pods", "-n", platform.tasks_namespace)
        return not [pod for pod in pods if pod["status"]["phase"] in {"Running", "Pending"}]

    wait_for(settled, 120, "the task pods to end")
