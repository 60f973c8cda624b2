"""Run the DAG that shows the platform at work, and tell where to go from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cli.airflow_api import AirflowApi, ApiError, LogicalDate, quote
from infra.cli.arrival import Patience, wait_for_dag
from infra.cli.dag_report import tell_changes, tell_left
from infra.cli.dags import Pushed
from infra.cli.options import DEFAULT_DAG
from infra.cli.picture import timeline
from infra.cli.platform import DAGS, Platform
from infra.cli.report import Lines, LiveTable, table, terminal
from infra.cli.runs import RunReport
from infra.errors import UpdraftError
from infra.output import Output, Print
from infra.values import links, names

# Where the command that login tells forwards the UI, on a cluster whose stack names no address.
LOCAL_UI = "http://localhost:8080"


@dataclass(frozen=True, slots=True)
class Request:
    """A run that is asked for."""

    dag_id: str
    conf: Mapping[str, Any] = field(default_factory=dict)
    logical_date: LogicalDate = "now"


def show(platform: Platform, output: Output) -> RunReport | None:
    """Push the DAGs and run the demonstration; None where there is no DAG to show.

    With the image and the DAGs of the last good demonstration it shows that one again, whatever
    settings changed: a second make up runs nothing.
    """
    pushed = push(platform, output)
    newest = Newest(platform, output, pushed.commit if pushed else "")
    with platform.api() as api:
        record = platform.paths.state / "demonstration.json"
        print_ = fingerprint(platform.config, pushed.tree if pushed else "")
        report = _shown_before(platform, api, record, print_)
        if report:
            output("image and DAGs are those of this run; make trigger runs it anew:")
            print_report(report)
        elif not platform.has_git_server and api.dag(DEFAULT_DAG) is None:
            output(
                f"{platform.settings.dags.repository} holds no {DEFAULT_DAG} (or none yet) to show"
            )
        else:
            report = run(platform, api, output, Request(DEFAULT_DAG), newest)
            record.write_text(json.dumps({"fingerprint": print_, "run": report.run_id}))
    return report


def push(platform: Platform, output: Output, folder: Path = DAGS) -> Pushed | None:
    """Push dags/ to the git server inside the cluster; None where there is no such server.

    On a server that holds DAGs already, of which none was pushed from here, it only adds.
    """
    if not platform.has_git_server:
        return None
    pushed = platform.push_dags(folder)
    if not pushed.first:
        tell_changes(output, pushed.changes)
    tell_left(output, pushed)
    output(f"dags/ {'pushed' if pushed.new else 'is in the git server'} as {pushed.commit[:12]}")
    return pushed


def fingerprint(config: Mapping[str, Any], tree: str) -> str:
    """What identifies what the tasks run: their image and the tree of dags/."""
    text = json.dumps([config.get("image"), tree], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _shown_before(platform: Platform, api: AirflowApi, record: Path, now: str) -> RunReport | None:
    """The report of the last demonstration, if it was of this very platform and still exists."""
    try:
        before = json.loads(record.read_text())
        if before["fingerprint"] != now:
            return None
        report = RunReport(DEFAULT_DAG, before["run"])
        watcher = platform.watcher(api)
        watcher.look(report)
    except (OSError, ValueError, KeyError, ApiError):
        return None
    if report.state != "success":
        return None
    report.peaks = watcher.peaks(report)
    return report


def run(
    platform: Platform,
    api: AirflowApi,
    output: Output,
    asked: Request,
    newest: Newest | None = None,
) -> RunReport:
    """Run a DAG now, show it while it runs, and print the table of its pods.

    Args:
        platform: Where.
        api: Its Airflow.
        output: Told what it waits for.
        asked: What runs.
        newest: Knows the newest commit; without it the git server alone is asked.

    Raises:
        UpdraftError: The DAG doesn't appear, or its run fails.
    """
    dag_id = asked.dag_id
    dag = wait_for_dag(
        api,
        dag_id,
        output,
        newest=newest or Newest(platform, output),
        patience=Patience.of_period(platform.settings.dags.period_seconds),
    )
    if dag["is_paused"]:
        api.unpause(dag_id)
        output(f"{dag_id} was paused and is unpaused now")
    run_id = api.trigger(dag_id, asked.conf, logical_date=asked.logical_date)
    output(f"{dag_id} runs as {run_id}")
    report = _follow(platform, api, output, dag_id, run_id)
    print_report(report)
    drawn = platform.paths.state / "last-run.svg"
    drawn.write_text(timeline(report))
    output(f"its pods on a time axis: {drawn}")
    if report.state != "success":
        raise UpdraftError(
            f"the run ended as {report.state}: {report.counts()}",
            where=f"{dag_id}, run {run_id}",
            fix=f"make logs DAG={dag_id} prints its pods' logs",
        )
    return report


@dataclass
class Newest:
    """Asks the git server for its newest commit, which stays the last one known where it is silent.

    Args:
        platform: The git server's.
        output: Told when it doesn't answer.
        commit: The last one known; "" where none is, and any will do.
    """

    platform: Platform
    output: Print
    commit: str = ""
    _silent: bool = False

    def __call__(self) -> str:
        """The newest commit, as far as it is known."""
        if self._silent and not self.commit:
            return ""
        try:
            self.commit = self.platform.newest_commit()
        except UpdraftError as error:
            if not self._silent:
                self.output(f"the git server doesn't answer, {self._so()}: {error.what}")
            self._silent = True
        return self.commit

    def _so(self) -> str:
        if self.commit:
            return f"so {self.commit[:12]} is taken for the newest commit"
        return "so the newest commit is not known and what Airflow has runs"


def _follow(
    platform: Platform, api: AirflowApi, output: Output, dag_id: str, run_id: str
) -> RunReport:
    watcher = platform.watcher(api)
    console = terminal()
    if not console.is_terminal:
        return watcher.follow(dag_id, run_id, Lines(output))
    with LiveTable(console) as view:
        return watcher.follow(dag_id, run_id, view)


def print_report(report: RunReport) -> None:
    """Print a run's table."""
    terminal().print(table(report))


def login(platform: Platform, administrator: tuple[str, str] | None = None) -> list[str]:
    """Where the UI is and who logs in: name and password if given, else how to see the password."""
    admin = platform.settings.keys.admin or names.ADMIN
    user, password = administrator or (
        platform.settings.airflow.admin.username,
        f"make ui SECRETS=1 prints it (Secret {admin} in {platform.namespace})",
    )
    where = platform.ui_address
    if not where:
        service = f"-n {platform.namespace} port-forward service/{names.API_SERVER}"
        context = platform.settings.cluster.context
        where = f"{LOCAL_UI} by: kubectl --context {context} {service} 8080"
    return [
        f"UI:        {where}",
        f"user:      {user}",
        f"password:  {password}",
    ]


def first_page(platform: Platform, report: RunReport | None) -> str:
    """The page to look at first: the Platform page where something watches, else the run's own."""
    ui = platform.ui_address or LOCAL_UI
    if platform.settings.monitoring.mode != "none":
        return ui + links.PAGE
    return f"{ui}/dags/{report.dag_id}/runs/{quote(report.run_id)}" if report else ui


def next_steps(platform: Platform, output: Output, report: RunReport | None) -> None:
    """Tell where to look first, how to log in, and three commands worth trying."""
    output.framed(
        [
            f"Up in {output.seconds:.0f} s.",
            f"see first: {first_page(platform, report)}",
            *login(platform),
            "",
            "make trigger CONF='{\"items\": 30}'   the same, wider",
            "make logs                           what the tasks printed",
            "make push-dags                      after a change in dags/",
        ]
    )
