"""`make logs`: what a component, or the task pods of a DAG's newest run, printed."""

from __future__ import annotations

import json

from infra.cli import components
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.runs import pods_of
from infra.errors import UpdraftError
from infra.kubectl import KubectlError

# Of each pod of a component.
LAST_LINES = 500


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
        _pod_log(platform, platform.tasks_namespace, pod.name, "base")


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
