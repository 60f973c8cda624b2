"""When a workload is ready, and when it never will be, by what the cluster says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Live = Mapping[str, Any]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
# Seconds for which a pod may wait for a reason before it counts as failed. What isn't named here is
# a state on the way, such as ContainerCreating.
PATIENCE: Mapping[str, float] = {
    "InvalidImageName": 0,
    "ErrImageNeverPull": 0,
    "ErrImagePull": 60,
    "ImagePullBackOff": 60,
    "CreateContainerConfigError": 30,
    "CreateContainerError": 60,
    "RunContainerError": 60,
    "FailedCreate": 30,
    "Unschedulable": 300,
}
CRASHES = 3
# Restarts are of the pod's whole life: one that crashed in an outage long ago may crash once more
# while its database starts. A new pod takes longer to crash so often.
CRASHING = 45.0
# A container without a probe of its start counts as ready the moment it starts, even if it crashes
# the next: it is trusted once it has run for so many seconds, and for more after a crash.
SETTLED = 10.0
SETTLED_AFTER_CRASH = 25.0


@dataclass(frozen=True)
class State:
    """How far a workload is.

    Args:
        ready: Whether it does what it was asked for.
        failed: Why it never will; empty while it may.
        text: How far, in a few words.
    """

    ready: bool
    text: str
    failed: str = ""


@dataclass(frozen=True)
class Trouble:
    """What keeps a pod, or a workload that gets no pod, from being ready.

    Args:
        about: The pod or workload, with its kind.
        pod: The pod's name; empty where there is none.
        container: The container; empty where it is about the whole pod.
        reason: Kubernetes' word for it.
        message: Kubernetes' sentence.
        restarts: How often the container was started again.
    """

    about: str
    pod: str
    container: str
    reason: str
    message: str
    restarts: int = 0

    @property
    def crashed(self) -> bool:
        """Whether its log says why."""
        return self.reason in {"CrashLoopBackOff", "Error", "OOMKilled", "StartError"}

    def hopeless(self, since: float) -> bool:
        """Return whether it has lasted too long.

        Args:
            since: Seconds since it was first seen.
        """
        if self.crashed:
            return self.restarts >= CRASHES and since >= CRASHING
        return since >= PATIENCE.get(self.reason, float("inf"))

    def __str__(self) -> str:
        container = f", container {self.container}" if self.container else ""
        message = f": {self.message}" if self.message else ""
        return f"{self.about}{container}: {self.reason}{message}"


def state(live: Live | None, pods: Iterable[Live] = ()) -> State:
    """Return the state of a Deployment, StatefulSet, DaemonSet or Job.

    Args:
        live: The workload; None: it isn't there yet.
        pods: By which a Job is known to be done some seconds before Kubernetes says so of it.
    """
    if live is None:
        return State(ready=False, text="not there")
    if live["kind"] == "Job":
        return _job(live, pods)
    status = live.get("status", {})
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return State(ready=False, text="not seen by its controller")
    if live["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        counts = (status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0))
    else:
        wanted = live["spec"].get("replicas", 1)
        counts = (status.get("updatedReplicas", 0), _available(live, status))
    # A rolling update is over once the old pods have gone too.
    old = status.get("replicas", wanted) > wanted
    done = min(counts) >= wanted and not old
    return State(ready=done, text=f"{min(counts)} of {wanted} ready")


def _available(live: Live, status: Live) -> int:
    key = "availableReplicas" if live["kind"] == "Deployment" else "readyReplicas"
    return int(status.get(key, 0))


def settling(workload: Live, pods: Iterable[Live], now: datetime) -> bool:
    """Return whether a pod of a workload has a container that may yet turn out to crash."""
    if workload["kind"] == "Job":
        return False
    return any(_is_young(pod, now) for pod in pods if belongs(pod, workload))


def _is_young(pod: Live, now: datetime) -> bool:
    probed = {
        one["name"]
        for one in pod["spec"]["containers"]
        if "readinessProbe" in one or "startupProbe" in one
    }
    for container in pod.get("status", {}).get("containerStatuses", []):
        started = container.get("state", {}).get("running", {}).get("startedAt")
        if container["name"] in probed or not started:
            continue
        least = SETTLED_AFTER_CRASH if container.get("restartCount") else SETTLED
        if (now - datetime.fromisoformat(started)).total_seconds() < least:
            return True
    return False


def _job(live: Live, pods: Iterable[Live]) -> State:
    status = live.get("status", {})
    for condition in status.get("conditions", []):
        if condition["status"] == "True" and condition["type"] == "Complete":
            return State(ready=True, text="complete")
        if condition["status"] == "True" and condition["type"] == "Failed":
            reason = f"{condition.get('reason', 'Failed')}: {condition.get('message', '')}"
            return State(ready=False, text="failed", failed=reason.rstrip(": "))
    done = sum(_has_ended_well(pod) for pod in pods if belongs(pod, live))
    if done >= live["spec"].get("completions", 1):
        return State(ready=True, text="complete")
    tries = f", {status['failed']} of its pods failed" if status.get("failed") else ""
    return State(ready=False, text=f"{status.get('active', 0)} running{tries}")


def _has_ended_well(pod: Live) -> bool:
    """Return whether every container has ended with code 0, by itself."""
    status = pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") == "Failed":
        return False  # told to end, which a program may do in order, too
    ended = [one.get("state", {}).get("terminated") for one in status.get("containerStatuses", [])]
    all_ended = len(ended) == len(pod["spec"]["containers"])
    return all_ended and all(one and one.get("exitCode") == 0 for one in ended)


def belongs(pod: Live, workload: Live) -> bool:
    """Return whether a pod is one of a workload's."""
    wanted = workload["spec"].get("selector", {}).get("matchLabels", {})
    labels = pod["metadata"].get("labels", {})
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def troubles(workload: Live, pods: Iterable[Live], events: Iterable[Live]) -> list[Trouble]:
    """Return what keeps a workload from being ready, by its own pods and the events about it."""
    own = [pod for pod in pods if belongs(pod, workload)]
    found = [trouble for pod in own for trouble in _of_pod(pod)]
    if not own:
        found += _of_events(workload, events)
    return found


def _of_pod(pod: Live) -> Iterator[Trouble]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition.get("reason") == "Unschedulable":
            text = condition.get("message", "")
            yield Trouble(f"Pod {name}", name, "", "Unschedulable", text)
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in every:
        yield from _of_container(name, container)


def _of_container(pod: str, container: Live) -> Iterator[Trouble]:
    now = container.get("state", {})
    waiting = now.get("waiting")
    ended = now.get("terminated")
    restarts = container.get("restartCount", 0)
    if waiting and waiting.get("reason") not in {"ContainerCreating", "PodInitializing"}:
        last = container.get("lastState", {}).get("terminated", {})
        message = waiting.get("message", "")
        if last:
            message = f"ended with code {last.get('exitCode')} ({last.get('reason', 'Error')})"
        reason = waiting.get("reason", "Waiting")
        yield Trouble(f"Pod {pod}", pod, container["name"], reason, message, restarts)
    if ended and ended.get("exitCode"):
        message = f"ended with code {ended['exitCode']}"
        reason = ended.get("reason", "Error")
        yield Trouble(f"Pod {pod}", pod, container["name"], reason, message, restarts)


def _of_events(workload: Live, events: Iterable[Live]) -> Iterator[Trouble]:
    """Yield the last refusal to make a pod, such as by quota or Pod Security."""
    name = workload["metadata"]["name"]
    last: Trouble | None = None
    for event in events:
        about = event.get("involvedObject", {})
        # A Deployment's pods are refused to its ReplicaSet, whose name goes on after its own.
        ours = about.get("name") == name or str(about.get("name", "")).startswith(f"{name}-")
        if ours and about.get("kind") != "Pod" and event.get("reason") == "FailedCreate":
            where = f"{workload['kind']} {name}"
            last = Trouble(where, "", "", "FailedCreate", event.get("message", ""))
    if last:
        yield last
