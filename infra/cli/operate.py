"""The commands on a platform that is there: status, ui, trigger, push-dags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from infra.cli import demonstration, report, version
from infra.cli.dags import Changes
from infra.cli.options import Options, flag, parse_conf, parse_logical_date
from infra.cli.platform import DAGS, Platform
from infra.cli.prompt import confirm
from infra.cli.runs import waiting_reason
from infra.local.lock import hold_instance
from infra.output import Output, Print
from infra.root import ROOT


def status(options: Options) -> None:
    """Show the cluster, the platform's pods, the DAGs and their newest runs."""
    platform = Platform.recorded(options)
    chosen = platform.chosen
    print(f"instance  {platform.paths.instance}")
    print(f"stack     {chosen.stack}, {chosen.engine} engine, {chosen.chart} chart")
    print(f"cluster   {chosen.cluster}", flush=True)
    platform.reachable()
    print(f"version   {version.describe(platform)}", flush=True)
    console = report.terminal()
    console.print(_pods(platform))
    with platform.api() as api:
        console.print(_dags(api.dags(), api.runs("~", limit=10)))
        for error in api.import_errors():
            print(f"can't be parsed: {error['filename']}\n{error['stack_trace']}")
    print("\n".join(demonstration.login(platform)))


def _pods(platform: Platform) -> Table:
    shown = Table(title="pods", title_justify="left")
    for column in ("namespace", "pod", "phase", "ready", "restarts", "waits for"):
        shown.add_column(column, overflow="fold")
    finished = 0
    for namespace in (platform.namespace, platform.tasks_namespace):
        for pod in platform.kubectl.items("pods", "-n", namespace):
            if pod["status"]["phase"] == "Succeeded":
                finished += 1
                continue
            states = pod.get("status", {}).get("containerStatuses", [])
            shown.add_row(
                namespace,
                pod["metadata"]["name"],
                pod["status"]["phase"],
                f"{sum(state['ready'] for state in states)}/{len(pod['spec']['containers'])}",
                str(sum(state["restartCount"] for state in states)),
                waiting_reason(pod),
            )
    shown.caption = f"and {finished} that have done their work and are kept for their logs"
    return shown


def _dags(dags: Iterable[dict[str, Any]], runs: list[dict[str, Any]]) -> Table:
    shown = Table(title="DAGs", title_justify="left")
    for column in ("dag", "paused", "newest runs"):
        shown.add_column(column, overflow="fold")
    for dag in dags:
        own = [run for run in runs if run["dag_id"] == dag["dag_id"]]
        told = ", ".join(f"{run['state']} {run['dag_run_id']}" for run in own[:3])
        shown.add_row(dag["dag_id"], "yes" if dag["is_paused"] else "no", told)
    return shown


def ui(options: Options) -> None:
    """Say where the UI is and who logs in; with SECRETS=1 the password too."""
    platform = Platform.recorded(options)
    administrator = None
    if flag("SECRETS"):
        platform.reachable()
        administrator = platform.administrator()
    print("\n".join(demonstration.login(platform, administrator)))


def trigger(options: Options, dag: str, conf: str, logical_date: str) -> None:
    """Run a DAG and watch its pods."""
    platform = Platform.recorded(options)
    request = demonstration.Request(dag, parse_conf(conf), parse_logical_date(logical_date))
    with platform.api() as api:
        demonstration.run(platform, api, Output(), request)


def push_dags(options: Options, folder: str | None) -> None:
    """Push the DAGs to the git server inside the cluster; with MIRROR=1 it holds nothing else."""
    platform = Platform.recorded(options)
    output = Output()
    source = ROOT / folder if folder else DAGS

    def agreed(changes: Changes) -> None:
        tell_changes(output, changes)
        if changes.changed or changes.removed:
            confirm(f"Make the git server's DAGs equal to {source}")

    mirror = agreed if flag("MIRROR") else None
    with hold_instance(platform.paths, output):
        pushed = platform.push_dags(source, mirror)
    if not mirror:
        tell_changes(output, pushed.changes)
        tell_left(output, pushed.left)
    if not pushed.new:
        output(f"nothing new; the server has {pushed.commit[:12]}")
        return
    output(f"pushed as {pushed.commit[:12]}")
    output(f"git-sync brings it within {platform.settings.dags.period} and the parse after that")


def tell_changes(output: Print, changes: Changes) -> None:
    """Tell what a push does, a line a file."""
    for word, paths in (
        ("adds", changes.added),
        ("changes", changes.changed),
        ("removes", changes.removed),
    ):
        for path in paths:
            output(f"{word:8} {path}")


def tell_left(output: Print, left: Changes) -> None:
    """Tell by what the repository differs from the folder, a line a file, and what would end it."""
    for reason, paths in (
        ("others pushed it", left.added),
        ("others changed it, and their version stays", left.changed),
        ("others removed it", left.removed),
    ):
        for path in paths:
            output(f"leaves   {path}: {reason}")
    if left != Changes():
        output("make push-dags MIRROR=1 would make the repository equal to the folder")
