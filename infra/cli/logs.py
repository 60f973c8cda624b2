"""`make logs`: what a component, or the task pods of a DAG's newest run, printed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from infra.cli import components, kept_logs, loki
from infra.cli.airflow_api import Json
from infra.cli.kept_logs import Kept
from infra.cli.loki import Line
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.runs import Key, pods_of
from infra.errors import UpdraftError
from infra.kubectl import KubectlError

TASK_CONTAINER = "base"
# Of each pod of a component.
LAST_LINES = 500


def logs(options: Options, component: str | None, dag: str) -> None:
    """Print a component's log, or those of the tasks of a DAG's newest run.

    Raises:
        UpdraftError: There is no such component or run, or nothing holds some of its lines.
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
        run = runs[0]
        begun = kept_logs.tries(api.task_instances(dag, run["dag_run_id"]))
    pods = pods_of(
        platform.kubectl.items("pods", "-n", platform.tasks_namespace), dag, run["dag_run_id"]
    )
    kept, fault = _kept(platform, run) if begun - pods.keys() else ({}, None)
    missing = set() if fault else begun
    for key in sorted(missing | pods.keys() | kept.keys()):
        if key in pods:
            print(f"=== {_try(key)}, pod {pods[key].name} ({pods[key].phase})")
            _pod_log(platform, platform.tasks_namespace, pods[key].name, TASK_CONTAINER)
        else:
            _print_kept(key, kept.get(key, []))
    if fault:
        gone = len(begun - pods.keys())
        raise UpdraftError(
            f"the pods of {gone} of the {len(begun)} tries of {dag}'s newest run have gone, and "
            f"{fault.what}",
            where=fault.where,
            fix=fault.fix,
        )


def _kept(platform: Platform, run: Json) -> tuple[Kept, UpdraftError | None]:
    """What Loki has of a run, or why nothing can be had from it."""
    try:
        with loki.reached(platform) as url:
            return kept_logs.read(url, platform.tasks_namespace, run), None
    except UpdraftError as error:
        return {}, error


def _print_kept(key: Key, lines: Sequence[Line]) -> None:
    if not lines:
        print(f"=== {_try(key)}, its pod has gone, and Loki has no line of it")
        return
    pods = dict.fromkeys(line.labels.get("k8s_pod_name", "unknown") for line in lines)
    print(f"=== {_try(key)}, pod {', '.join(pods)} (gone; from Loki)")
    for line in lines:
        container = line.labels.get("k8s_container_name", TASK_CONTAINER)
        who = "" if container == TASK_CONTAINER else f"[{container}] "
        print(who + readable(line.text))


def _try(key: Key) -> str:
    task, index, number = key
    return f"{task}{f'[{index}]' if index >= 0 else ''}, try {number}"


def _component_log(platform: Platform, name: str) -> None:
    pods = components.pods_of(platform, name)
    container = components.COMPONENTS[name].container
    for pod in pods:
        place = pod["metadata"]
        if len(pods) > 1:
            print(f"=== {place['name']} ({pod['status']['phase']})")
        _pod_log(platform, place["namespace"], place["name"], container, f"--tail={LAST_LINES}")


def _pod_log(platform: Platform, namespace: str, pod: str, container: str, *options: str) -> None:
    try:
        log = ("logs", "-n", namespace, pod, "-c", container, *options)
        text = platform.kubectl.run(*log) or "no line so far"
    except KubectlError as error:  # such as of a container that has not begun
        text = f"no log: {error.what}"
    for line in text.splitlines():
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
