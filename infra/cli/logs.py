"""`make logs`: what a component, or the task pods of a DAG's newest run, printed."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.cli import archived_logs, components, loki
from infra.cli.airflow_api import Json
from infra.cli.archived_logs import Archived
from infra.cli.loki import Line
from infra.cli.options import Options, parse_dag
from infra.cli.platform import Platform
from infra.cli.runs import Key, TaskPod, key_of, pods_of
from infra.errors import UpdraftError
from infra.kubectl import KubectlError

TASK_CONTAINER = "base"
# Of each pod of a component.
LAST_LINES = 500
# Airflow's list of a run has the state of each task's last try alone.
EARLIER = "an earlier try"
# Phases of a pod that say less than the task's state.
ENDED = ("Succeeded", "Failed")


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
    parse_dag(dag)
    with platform.api() as api:
        runs = api.runs(dag, limit=1)
        if not runs:
            raise UpdraftError(f"{dag} has not run yet", fix=f"make trigger DAG={dag}")
        run = runs[0]
        instances = api.task_instances(dag, run["dag_run_id"])
    items = platform.kubectl.items("pods", "-n", platform.tasks_namespace)
    pods = pods_of(items, dag, run["dag_run_id"])
    begun = archived_logs.tries(instances)
    minutes = platform.settings.tasks.keep_finished_pods
    asked = archived_logs.may_lack(instances, pods, run, minutes)
    archived, fault = _archived(platform, run) if asked else ({}, None)
    states = {key_of(each): each.state or "no state" for each in instances}
    for part in parts(set() if fault else begun, pods, archived):
        _print_part(platform, part, states.get(part.key, EARLIER))
    gone = len(begun - pods.keys())
    if fault and gone:
        raise UpdraftError(
            f"the pods of {gone} of the {len(begun)} tries of {dag}'s newest run have gone, and "
            f"{fault.what}",
            where=fault.where,
            fix=fault.fix,
        )
    if fault:
        told = "every try has a pod; of one that was deferred, an earlier pod may have gone, and"
        print(f"{told} {fault.what}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Part:
    """What is printed below one header.

    Args:
        key: The try.
        pod: Its pod's name; empty where nothing is known of any.
        phase: The pod's, which then has the log; empty where it has gone.
        lines: What Loki has of a pod that has gone.
    """

    key: Key
    pod: str = ""
    phase: str = ""
    lines: Sequence[Line] = ()


def parts(
    begun: Iterable[Key], pods: Mapping[Key, Sequence[TaskPod]], archived: Archived
) -> Iterator[Part]:
    """What there is of each try, pod by pod: those that have gone come before those that are there.

    Args:
        begun: The tries of which there is to be something.
        pods: The pods that are there, by their try.
        archived: What Loki has, by try; of a pod that is there its own log has all of it.
    """
    for key in sorted({*begun, *pods, *archived}):
        gone: dict[str, list[Line]] = defaultdict(list)
        for line in archived.get(key, ()):
            gone[line.labels.get("k8s_pod_name", "unknown")].append(line)
        there = pods.get(key, ())
        for pod in there:
            gone.pop(pod.name, None)
        yield from (Part(key, name, lines=lines) for name, lines in gone.items())
        yield from (Part(key, pod.name, pod.phase) for pod in there)
        if not gone and not there:
            yield Part(key)


def _archived(platform: Platform, run: Json) -> tuple[Archived, UpdraftError | None]:
    """What Loki has of a run, or why nothing can be had from it."""
    try:
        with loki.port_forward(platform) as url:
            return archived_logs.read(url, platform.tasks_namespace, run), None
    except UpdraftError as error:
        return {}, error


def header(part: Part, state: str) -> str:
    """What stands above a part's lines: the task's state, for its pod ends well when it fails.

    Args:
        part: The part.
        state: The try's, as Airflow has it.
    """
    if not part.pod:
        return f"=== {_try(part.key)}: {state}; its pod has gone, and Loki has no line of it"
    where = "" if part.phase in ENDED else f" ({part.phase or 'gone; from Loki'})"
    return f"=== {_try(part.key)}, pod {part.pod}{where}: {state}"


def _print_part(platform: Platform, part: Part, state: str) -> None:
    print(header(part, state))
    if part.phase:
        _pod_log(platform, platform.tasks_namespace, part.pod, TASK_CONTAINER)
    for line in part.lines:
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
