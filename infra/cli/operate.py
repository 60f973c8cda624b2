"""The commands on a platform that is there: ui, trigger, push-dags."""

from __future__ import annotations

from infra.cli import demonstration
from infra.cli.dag_report import tell_changes, tell_left
from infra.cli.dag_repository import Changes
from infra.cli.options import Options, flag, parse_conf, parse_dag, parse_logical_date
from infra.cli.platform import DAGS, Platform
from infra.cli.prompt import confirm
from infra.local.lock import hold_instance
from infra.output import Output
from infra.root import ROOT


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
    date = parse_logical_date(logical_date)
    request = demonstration.Request(parse_dag(dag), parse_conf(conf), date)
    with platform.api() as api:
        demonstration.run(platform, api, Output(), request)


def push_dags(options: Options, folder: str | None) -> None:
    """Push the DAGs to the git server inside the cluster; with MIRROR=1 it holds nothing else.

    It asks before that, and before it changes or removes files where nothing was pushed from here.
    """
    platform = Platform.recorded(options)
    output = Output()
    source = ROOT / folder if folder else DAGS
    mirror = flag("MIRROR")
    asked: list[Changes] = []

    def agreed(changes: Changes) -> None:
        asked.append(changes)
        tell_changes(output, changes)
        if changes.changed or changes.removed:
            confirm(
                f"Make the git server's DAGs equal to {source}"
                if mirror
                else "Nothing was pushed from here before, so these may be others' DAGs; go on"
            )

    with hold_instance(platform.paths, output):
        pushed = platform.push_dags(source, agreed if mirror else None, agreed)
    if not asked:
        tell_changes(output, pushed.changes)
    tell_left(output, pushed)
    if not pushed.new:
        output(f"nothing new; the server has {pushed.commit[:12]}")
        return
    output(f"pushed as {pushed.commit[:12]}")
    period = platform.settings.dags.period
    output(f"git-sync brings it within {period}, and half a minute later Airflow has read it")
