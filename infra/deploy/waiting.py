"""Wait for workloads, saying how far they are, and give up with a diagnosis once it is hopeless."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from infra.deploy.live import identity
from infra.deploy.readiness import (
    WORKLOADS,
    Live,
    State,
    Trouble,
    belongs,
    settling,
    state,
    troubles,
)
from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.output import Print
from infra.render.manifests import Identity, Manifest

LOG_LINES = 20
REMINDER = 30.0
FIXES = {
    "ErrImageNeverPull": "load the image into the cluster, or let it be pulled (image.pullPolicy)",
    "ErrImagePull": "check the image's name, and image.pullSecrets for a private registry",
    "ImagePullBackOff": "check the image's name, and image.pullSecrets for a private registry",
    "InvalidImageName": "check image.repository and image.tag",
    "CreateContainerConfigError": "a Secret or ConfigMap that the pod names is missing",
    "Unschedulable": "make room, or ask for less: resources, nodeSelector and tolerations",
    "FailedCreate": "see the refusal: a quota, a limit or Pod Security of the namespace",
}


@dataclass
class Waiter:
    """Waits on one cluster.

    Args:
        kubectl: The cluster.
        output: Told each change of the state, in one line.
        timeout: Seconds for one wait in all.
        interval: Seconds between two looks.
        mask: Takes secrets out of a text before anybody sees it.
    """

    kubectl: Kubectl
    output: Print
    timeout: float = 600
    interval: float = 1.0
    mask: Callable[[str], str] = str
    _since: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def wait(self, manifests: Iterable[Manifest], *, settled: bool = True) -> None:
        """Return once every workload among the manifests is ready.

        Args:
            manifests: Among others the workloads.
            settled: Whether to wait, too, until what has no probe has run for a while.

        Raises:
            UpdraftError: One has failed, can't become ready, or isn't in time; says why.
        """
        open_ = [one.identity for one in manifests if one["kind"] in WORKLOADS]
        start = said = time.monotonic()
        last = ""
        while open_:
            live = _snapshot(self.kubectl, sorted({one.namespace for one in open_}))
            open_ = [one for one in open_ if not live.ready(one, settled=settled)]
            now = time.monotonic()
            self._give_up(open_, live, late=now - start >= self.timeout)
            text = ", ".join(_line(one, live) for one in open_)
            if text and (text != last or now - said >= REMINDER):
                self.output(f"waiting {now - start:.0f} s for {text}")
                last, said = text, now
            if open_:
                time.sleep(self.interval)

    def _give_up(self, open_: Sequence[Identity], live: Snapshot, *, late: bool) -> None:
        now = time.monotonic()
        for one in open_:
            found = live.state(one)
            if found.failed:
                raise self._failure(one, found, live, f"has failed: {found.failed}")
            for trouble in live.troubles(one):
                key = (trouble.about, trouble.container, trouble.reason)
                since = now - self._since.setdefault(key, now)
                if trouble.hopeless(since):
                    raise self._failure(one, found, live, "can't become ready")
        if late and open_:
            found = live.state(open_[0])
            raise self._failure(open_[0], found, live, f"isn't ready after {self.timeout:.0f} s")

    def _failure(self, one: Identity, found: State, live: Snapshot, why: str) -> UpdraftError:
        lines = [f"{one} {why} ({found.text})"]
        known = live.troubles(one)
        for trouble in known[:3]:
            lines.append(f"  {trouble}")
        lines += [f"    | {line}" for line in self._log(one, known, live)]
        reasons = [FIXES[trouble.reason] for trouble in known if trouble.reason in FIXES]
        look = f"look closer: kubectl --context {self.kubectl.context} -n {one.namespace} describe"
        return UpdraftError(
            self.mask("\n".join(lines)),
            where=f"context {self.kubectl.context}",
            fix=f"{reasons[0] if reasons else 'see the lines above'}; "
            f"{look} {one.kind.lower()} {one.name}",
        )

    def _log(self, one: Identity, known: Sequence[Trouble], live: Snapshot) -> list[str]:
        """Return the last lines of the container that crashed, or of a failed Job's last pod."""
        for trouble in known:
            if trouble.crashed:
                return self._tail(one.namespace, trouble.pod, trouble.container)
        if one.kind == "Job" and one in live.workloads:
            pods = [pod for pod in live.pods if belongs(pod, live.workloads[one])]
            pods.sort(key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
            if pods:
                return self._tail(one.namespace, pods[-1]["metadata"]["name"], "")
        return []

    def _tail(self, namespace: str, pod: str, container: str) -> list[str]:
        which = ["-c", container] if container else ["--all-containers"]
        args = ["logs", pod, "-n", namespace, *which, f"--tail={LOG_LINES}"]
        for more in ([], ["--previous"]):
            try:
                text = self.kubectl.run(*args, *more, timeout=20)
            except KubectlError:
                continue
            if text.strip():
                return text.rstrip().splitlines()[-LOG_LINES:]
        return []


@dataclass(frozen=True)
class Snapshot:
    """What a cluster showed at one moment."""

    workloads: dict[Identity, Live]
    pods: list[Live]
    events: list[Live]

    def state(self, one: Identity) -> State:
        """Return how far a workload is."""
        return state(self.workloads.get(one), self._near(one))

    def ready(self, one: Identity, *, settled: bool) -> bool:
        """Return whether a workload is ready and, if asked for, has run for long enough."""
        if not self.state(one).ready:
            return False
        return not settled or not settling(self.workloads[one], self._near(one), datetime.now(UTC))

    def _near(self, one: Identity) -> list[Live]:
        return [pod for pod in self.pods if pod["metadata"]["namespace"] == one.namespace]

    def troubles(self, one: Identity) -> list[Trouble]:
        """Return what keeps a workload from being ready."""
        if one not in self.workloads:
            return []
        return troubles(self.workloads[one], self._near(one), self.events)


def _snapshot(kubectl: Kubectl, namespaces: Iterable[str]) -> Snapshot:
    look = Snapshot({}, [], [])
    kinds = ",".join([*(f"{kind.lower()}s" for kind in WORKLOADS), "pods", "events"])
    for item in _items(kubectl, kinds, namespaces):
        if item["kind"] == "Pod":
            look.pods.append(item)
        elif item["kind"] == "Event":
            look.events.append(item)
        else:
            look.workloads[identity(item)] = item
    return look


def _items(kubectl: Kubectl, kinds: str, namespaces: Iterable[str]) -> Iterator[Live]:
    for namespace in namespaces:
        yield from kubectl.items(kinds, "-n", namespace)


def _line(one: Identity, live: Snapshot) -> str:
    found = live.state(one)
    reasons = sorted({trouble.reason for trouble in live.troubles(one)})
    young = ["just started"] if found.ready else []
    return f"{one.name} ({'; '.join([found.text, *young, *reasons])})"
