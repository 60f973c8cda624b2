"""The commands on a platform that is there: status, logs, ui, trigger, push-dags."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.table import Table

from infra.cli import demonstration, report
from infra.cli.options import Options, flag, parse_conf, parse_logical_date
from infra.cli.platform import DAGS, Platform
from infra.cli.runs import pods_of, waiting_reason
from infra.errors import UpdraftError
from infra.local.lock import hold_instance
from infra.output import Output
from infra.root import ROOT

# What a user says for a component, and the workload and container whose log that is.
COMPONENTS = {
    "scheduler": ("deployment/airflow-scheduler", "scheduler"),
    "api-server": ("deployment/airflow-api-server", "api-server"),
    "dag-processor": ("deployment/airflow-dag-processor", "dag-processor"),
    "git-sync": ("deployment/airflow-dag-processor", "git-sync"),
    "triggerer": ("statefulset/airflow-triggerer", "triggerer"),
    "postgresql": ("statefulset/postgresql", "postgresql"),
    "git": ("deployment/git", "git"),
}


def status(options: Options) -> None:
    """Show the cluster, the platform's pods, the DAGs and their newest runs."""
    platform = Platform.recorded(options)
    chosen = platform.chosen
    print(f"instance  {platform.paths.instance}")
    print(f"stack     {chosen.stack}, {chosen.engine} engine, {chosen.chart} chart")
    print(f"cluster   {chosen.cluster}", flush=True)
    platform.reachable()
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


def logs(options: Options, component: str | None, dag: str) -> None:
    """Print a component's log, or those of the task pods of a DAG's newest run.

    Raises:
        UpdraftError: There is no such component, run or pod.
    """
    platform = Platform.recorded(options)
    platform.reachable()
    if component:
        _component_log(platform, component)
        return
    with platform.api() as api:
        runs = api.runs(dag, limit=1)
    if not runs:
        raise UpdraftError(f"{dag} has not run yet", fix=f"make trigger DAG={dag}")
    run_id = runs[0]["dag_run_id"]
    pods = pods_of(platform.kubectl.items("pods", "-n", platform.tasks_namespace), dag, run_id)
    if not pods:
        raise UpdraftError(
            f"the pods of the newest run of {dag} have gone",
            where=run_id,
            fix="they are kept for updraft:tasks.keepFinishedPods minutes; run it again",
        )
    for (task, index, number), pod in sorted(pods.items()):
        mapped = f"[{index}]" if index >= 0 else ""
        print(f"=== {task}{mapped}, try {number}, pod {pod.name} ({pod.phase})")
        log = ["logs", "-n", platform.tasks_namespace, pod.name, "-c", "base"]
        for line in platform.kubectl.run(*log).splitlines():
            print(readable(line))


def _component_log(platform: Platform, name: str) -> None:
    if name not in COMPONENTS:
        raise UpdraftError(f'there is no component "{name}"', fix=f"one of {', '.join(COMPONENTS)}")
    workload, container = COMPONENTS[name]
    log = ["logs", "-n", platform.namespace, workload, "-c", container, "--tail=500"]
    for line in platform.kubectl.run(*log).splitlines():
        print(readable(line))


def readable(line: str) -> str:
    """A log line in JSON as a person reads it; any other line as it is."""
    try:
        found = json.loads(line)
        event = found.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError):
        return line
    moment = str(found.pop("timestamp", ""))[11:19]
    level = str(found.pop("level", ""))
    for noise in ("logger", "filename", "lineno", "loc"):
        found.pop(noise, None)
    rest = " ".join(f"{key}={value}" for key, value in found.items())
    return f"{moment:8} {level:8} {event}  {rest}".rstrip()


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
    """Push the DAGs to the git server inside the cluster."""
    platform = Platform.recorded(options)
    output = Output()
    with hold_instance(platform.paths, output):
        pushed = platform.push_dags(ROOT / folder if folder else DAGS)
    output(f"{'pushed as' if pushed.new else 'nothing new; the server has'} {pushed.commit[:12]}")
    output(f"git-sync brings it within {platform.settings.dags.period} and the parse after that")
