"""Watch a DAG run's pods while it runs and tell afterwards what each of them took."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.cli.airflow_api import FINAL, AirflowApi
from infra.cli.instances import TaskInstance, moment
from infra.errors import UpdraftError
from infra.kubectl import Kubectl

PEAK = re.compile(r'peak_memory_bytes\\?["\']?\s*[:=]\s*(\d+)')
BETWEEN_LOOKS = 1.5
LOG_READERS = 4
LIVE = ("Running", "Pending")
# DAGs that are named in a line.
SHOWN = 3
Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class TaskPod:
    """A task's pod."""

    name: str
    phase: str
    node: str
    reason: str
    created: datetime | None = None


@dataclass(slots=True)
class RunReport:
    """A run so far: its state, its task instances and the newest pod seen for each try."""

    dag_id: str
    run_id: str
    state: str = "queued"
    instances: list[TaskInstance] = field(default_factory=list)
    pods: dict[Key, TaskPod] = field(default_factory=dict)
    peaks: dict[Key, int] = field(default_factory=dict)
    # The DAGs of whose other runs there are live pods.
    others: set[str] = field(default_factory=set)

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    def counts(self) -> str:
        """The task instances' states, most advanced first, such as "3 success, 2 running"."""
        states = Counter(instance.state or "waiting" for instance in self.instances)
        phases = Counter(pod.phase for pod in self.pods.values())
        running = sum(phases[phase] for phase in LIVE)
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        first = "" if running or self.done or not self.others else f"; {self._ahead()}"
        return f"{told or 'no task yet'}; pods: {running} live, {len(self.pods)} so far{first}"

    def _ahead(self) -> str:
        names = sorted(self.others)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"waiting behind the pods of {', '.join(names[:SHOWN])}{more}"


def key_of(instance: TaskInstance) -> Key:
    """What identifies an attempt in both Airflow and Kubernetes."""
    return (instance.task_id, instance.map_index, instance.try_number)


def pods_of(items: list[dict[str, Any]], dag_id: str, run_id: str) -> dict[Key, list[TaskPod]]:
    """A run's pods by what they run, oldest first: the annotations hold the true ids.

    A try has more than one where its task was deferred, or waits for its next look in between.
    """
    found: defaultdict[Key, list[TaskPod]] = defaultdict(list)
    for item in items:
        notes = item["metadata"].get("annotations") or {}
        if (notes.get("dag_id"), notes.get("run_id")) != (dag_id, run_id):
            continue
        key = (
            notes.get("task_id", ""),
            int(notes.get("map_index", -1)),
            int(notes.get("try_number", 1)),
        )
        pod = TaskPod(
            name=item["metadata"]["name"],
            phase=item.get("status", {}).get("phase", "Unknown"),
            node=item["spec"].get("nodeName", ""),
            reason=waiting_reason(item),
            created=moment(item["metadata"].get("creationTimestamp")),
        )
        found[key].append(pod)
    return {key: sorted(pods, key=_age) for key, pods in found.items()}


def _others(items: list[dict[str, Any]], report: RunReport) -> set[str]:
    live = [item for item in items if item.get("status", {}).get("phase") in LIVE]
    notes = [item["metadata"].get("annotations") or {} for item in live]
    return {
        note["dag_id"]
        for note in notes
        if note.get("dag_id")
        and (note["dag_id"], note.get("run_id")) != (report.dag_id, report.run_id)
    }


def _age(pod: TaskPod) -> tuple[datetime, str]:
    return pod.created or datetime.min.replace(tzinfo=UTC), pod.name


def waiting_reason(pod: Mapping[str, Any]) -> str:
    """Why a pod doesn't run: its first container's waiting reason, or why it isn't scheduled."""
    status = pod.get("status", {})
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind, []):
            waiting = container.get("state", {}).get("waiting")
            if waiting and waiting.get("reason") not in {None, "PodInitializing"}:
                return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", "not scheduled"))
    return ""


@dataclass(frozen=True, slots=True)
class RunWatcher:
    """Follows runs through Airflow's API and the task pods' namespace."""

    api: AirflowApi
    kubectl: Kubectl
    namespace: str

    def look(self, report: RunReport) -> None:
        """Bring a report up to date; pods that have gone since stay in it."""
        report.state = self.api.run(report.dag_id, report.run_id)["state"]
        report.instances = self.api.task_instances(report.dag_id, report.run_id)
        items = self.kubectl.items("pods", "-n", self.namespace)
        pods = pods_of(items, report.dag_id, report.run_id)
        report.pods |= {key: own[-1] for key, own in pods.items()}
        report.others = _others(items, report)

    def follow(self, dag_id: str, run_id: str, view: View, timeout: float = 1800) -> RunReport:
        """Watch a run until it ends, showing it, then read its pods' peak memory.

        Raises:
            UpdraftError: It didn't end in `timeout` seconds.
        """
        report = RunReport(dag_id, run_id)
        deadline = time.monotonic() + timeout
        while True:
            self.look(report)
            view.show(report)
            if report.done:
                break
            if time.monotonic() > deadline:
                raise UpdraftError(
                    f"the run did not end in {timeout:.0f} s: {report.counts()}",
                    where=f"{dag_id}, run {run_id}",
                    fix="make status and make logs show what it waits for",
                )
            time.sleep(BETWEEN_LOOKS)
        report.peaks = self.peaks(report)
        return report

    def peaks(self, report: RunReport) -> dict[Key, int]:
        """The pods' peak memory in bytes, from the line that our plugin logs at a task's end."""

        def peak(key: Key) -> int | None:
            try:
                text = self.log(report.pods[key].name, tail=40)
            except UpdraftError:  # the pod has been cleaned up
                return None
            found = PEAK.findall(text)
            return int(found[-1]) if found else None

        with ThreadPoolExecutor(LOG_READERS) as pool:
            keys = list(report.pods)
            return {
                key: bytes_
                for key, bytes_ in zip(keys, pool.map(peak, keys), strict=True)
                if bytes_ is not None
            }

    def log(self, pod: str, tail: int = -1) -> str:
        """A task pod's log."""
        return self.kubectl.run("logs", "-n", self.namespace, pod, "-c", "base", f"--tail={tail}")


class View:
    """Shows a run while it goes on."""

    def show(self, report: RunReport) -> None:
        """Show the run as it is now."""
        raise NotImplementedError
