"""`make status`: pods, what can't be parsed, newest runs and DAGs, each in few rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from infra.cli import demonstration, report, version
from infra.cli.airflow_api import AirflowApi, Json
from infra.cli.instances import moment
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.runs import waiting_reason
from infra.values import names

# The most rows of each table, and the most files and lines of what can't be parsed.
PODS, TASK_PODS, RUNS, DAGS, FILES, TRACE = 30, 10, 10, 20, 5, 6
# Looked through for the newest runs of the DAGs, before any DAG is asked for its own.
NEWEST = 100
OF_A_DAG = 3
READERS = 4
FINISHED = "Succeeded"
MINUTE, HOUR, DAY = 60, 3600, 86400


def status(options: Options) -> None:
    """Show the cluster, the pods, what can't be parsed, the newest runs and the DAGs."""
    platform = Platform.recorded(options)
    chosen = platform.chosen
    print(f"instance  {platform.paths.instance}")
    print(f"stack     {chosen.stack}, {chosen.engine} engine, {chosen.chart} chart")
    print(f"cluster   {chosen.cluster}", flush=True)
    platform.reachable()
    print(f"version   {version.describe(platform)}", flush=True)
    selected = f"--field-selector=metadata.name={names.TASKS}"
    quotas = platform.kubectl.items("resourcequota", "-n", platform.tasks_namespace, selected)
    print(f"quota     {' and '.join(used(quota) for quota in quotas) or 'none'}")
    print("\n".join(demonstration.login(platform)), flush=True)
    console = report.terminal()
    spaces = platform.settings.namespaces
    pods = {
        space: platform.kubectl.items("pods", "-n", space)
        for space in (spaces.airflow, spaces.monitoring, spaces.tasks)
    }
    tasks = pods.pop(spaces.tasks)
    console.print(pods_table([pod for own in pods.values() for pod in own], tasks))
    with platform.api() as api:
        told = unparsed(api.import_errors())
        told += unheard(api, platform.settings.notifications.connection_id)
        print("\n".join(told), flush=True)
        runs = api.runs("~", limit=NEWEST)
        console.print(runs_table(runs[:RUNS]))
        dags, left = shown_dags(api.dags(), runs)
        console.print(dags_table(dags, newest_of(api, dags, runs), left))


def used(quota: Json) -> str:
    """What tasks take of their quota."""
    told = quota.get("status", {})
    limits, taken = told.get("hard", {}), told.get("used", {})
    parts = [f"{name} {taken.get(name, 0)} of {of}" for name, of in limits.items()]
    # Kubernetes counts a moment after it has made the quota.
    return ", ".join(parts) or "not counted yet"


def unparsed(errors: Sequence[Json]) -> list[str]:
    """The files that can't be parsed, with the end of each one's error."""
    if not errors:
        return ["every DAG file can be parsed"]
    lines = [f"{len(errors)} DAG file{'s' * (len(errors) > 1)} can't be parsed:"]
    for error in errors[:FILES]:
        trace = (error["stack_trace"] or "no reason is told").strip().splitlines()
        lines += [f"  {error['filename']}", *(f"    {line}" for line in trace[-TRACE:])]
    if len(errors) > FILES:
        lines.append(f"  and {len(errors) - FILES} more, which Airflow's UI lists above its DAGs")
    return lines


def unheard(api: AirflowApi, connection: str | None) -> list[str]:
    """Whether messages about failures go to a connection that Airflow's database lacks."""
    if not connection or api.connection(connection) is not None:
        return []
    return [
        f"messages about failures reach nobody: there is no connection {connection} "
        "(notifications.connectionId),",
        "  unless a secrets backend has it; the UI makes it under Admin, Connections",
    ]


def pods_table(control: Sequence[Json], tasks: Sequence[Json]) -> Table:
    """The pods that have work to do; of those of tasks the ones in trouble first."""
    shown = Table(title="pods", title_justify="left", caption_justify="left")
    for column in ("namespace", "pod", "phase", "ready", "restarts", "waits for"):
        shown.add_column(column, overflow="fold")
    steady = sorted(_at_work(control), key=_health)
    fleeting = sorted(_at_work(tasks), key=_health)
    for pod in [*steady[:PODS], *fleeting[:TASK_PODS]]:
        states = pod["status"].get("containerStatuses", [])
        shown.add_row(
            pod["metadata"]["namespace"],
            pod["metadata"]["name"],
            pod["status"]["phase"],
            f"{sum(state['ready'] for state in states)}/{len(pod['spec']['containers'])}",
            str(sum(state["restartCount"] for state in states)),
            escape(waiting_reason(pod)),
        )
    rest = Counter(pod["status"]["phase"] for pod in [*steady[PODS:], *fleeting[TASK_PODS:]])
    kept = len(control) + len(tasks) - len(steady) - len(fleeting)
    told = [f"{count} more {phase}" for phase, count in sorted(rest.items())]
    shown.caption = ", ".join(
        [*told, f"{kept} that have done their work and are kept for their logs"]
    )
    return shown


def _at_work(pods: Iterable[Json]) -> list[Json]:
    return [pod for pod in pods if pod["status"]["phase"] != FINISHED]


def _health(pod: Json) -> tuple[bool, bool]:
    """Sorts a pod that failed or waits before one that runs."""
    return pod["status"]["phase"] == "Running", not waiting_reason(pod)


def runs_table(runs: Iterable[Json]) -> Table:
    """The newest runs, however old they are."""
    shown = Table(title="newest runs", title_justify="left")
    for column in ("dag", "run", "state", "due"):
        shown.add_column(column, overflow="fold")
    for run in runs:
        shown.add_row(run["dag_id"], run["dag_run_id"], _state(run), age(run))
    return shown


def shown_dags(dags: Sequence[Json], runs: Iterable[Json]) -> tuple[list[Json], int]:
    """The DAGs to show, those that ran last first and paused ones last, and how many are left."""
    rank = {name: place for place, name in enumerate(dict.fromkeys(r["dag_id"] for r in runs))}
    order = sorted(
        dags, key=lambda dag: (rank.get(dag["dag_id"], NEWEST), dag["is_paused"], dag["dag_id"])
    )
    return order[:DAGS], len(order[DAGS:])


def newest_of(
    api: AirflowApi, dags: Iterable[Json], runs: Sequence[Json]
) -> Mapping[str, Sequence[Json]]:
    """The newest runs of each DAG, however long ago and however many other DAGs have run since."""
    ids = [dag["dag_id"] for dag in dags]
    seen = {name: [run for run in runs if run["dag_id"] == name][:OF_A_DAG] for name in ids}
    # What other DAGs' runs have crowded out is asked for; all there are fit into fewer.
    lacking = [name for name in ids if not seen[name]] if len(runs) == NEWEST else []
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(lambda name: api.runs(name, limit=OF_A_DAG), lacking))
    return seen | dict(zip(lacking, found, strict=True))


def dags_table(dags: Iterable[Json], newest: Mapping[str, Sequence[Json]], left: int) -> Table:
    """The DAGs with the states and ages of their newest runs."""
    shown = Table(title="DAGs", title_justify="left", caption_justify="left")
    for column in ("dag", "paused", "newest runs"):
        shown.add_column(column, overflow="fold")
    for dag in dags:
        told = ", ".join(f"{_state(run)} {age(run)}" for run in newest[dag["dag_id"]])
        shown.add_row(dag["dag_id"], "yes" if dag["is_paused"] else "no", told or "never ran")
    if left:
        shown.caption = f"and {left} more, which ran longer ago or are paused"
    return shown


def _state(run: Mapping[str, Any]) -> str:
    state = run["state"] or "waiting"
    return f"[{report.STYLES.get(state, 'default')}]{state}[/]"


def age(run: Mapping[str, Any], now: datetime | None = None) -> str:
    """How long ago a run was due, in one unit."""
    due = moment(run["run_after"])
    if due is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - due).total_seconds()
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"
