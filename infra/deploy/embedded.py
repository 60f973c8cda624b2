"""The embedded engine: rendered manifests onto a cluster, in waves, and away with what has gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from infra.deploy import kept_keys, live
from infra.deploy.inventory import carried, entries, merged
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pruning import prune
from infra.deploy.readiness import state
from infra.deploy.waiting import Waiter
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl, KubectlError
from infra.output import Print
from infra.render import Identity, Manifest, render
from infra.settings import load


@dataclass(frozen=True)
class DeployResult:
    """What a deploy has done.

    Args:
        manifests: What is on the cluster now.
        pruned: What it has removed.
        kept: What has gone from the program but holds data, and so stays.
        waiter: What has waited for it.
    """

    manifests: tuple[Manifest, ...]
    pruned: tuple[Identity, ...]
    kept: tuple[Identity, ...]
    waiter: Waiter

    def settle(self) -> None:
        """Wait until what has no probe has run for long enough to be trusted.

        Raises:
            UpdraftError: A workload has come to crash; says why.
        """
        self.waiter.wait(self.manifests)


def deploy(  # noqa: PLR0913 - each is named by its caller
    config: Mapping[str, object],
    *,
    kubectl: Kubectl,
    helm: Path,
    keys: KeyStore,
    output: Print,
    absent: Collection[str] = (),
    before_last: Callable[[], None] | None = None,
    settled: bool = True,
    timeout: float = 600,
) -> DeployResult:
    """Bring the cluster to what the settings say.

    Can be killed at any point and run again. Unchanged settings change no object.

    Args:
        config: The settings, an object for each area.
        kubectl: The cluster.
        helm: The helm program.
        keys: The store of keys and passwords.
        output: Told what happens, a line at a time.
        absent: Images that are not there yet; what runs them joins with a later deploy.
        before_last: Called before the last wave, once what that depends on is ready.
        settled: Whether to wait for what has no probe before anything is removed; else the caller
            does, by the result.
        timeout: Seconds for each wave to become ready.

    Raises:
        UpdraftError: The settings, somebody else's objects where the platform's are to be, the
            cluster's refusal, or a workload that doesn't become ready.
    """
    ownership = Ownership.read(kubectl, Owner.of(config))
    kept_keys.refuse_older(keys, ownership)
    ownership.refuse_move(lambda other: kept_keys.knows(keys, other))
    kept_keys.recover(keys, load(config), ownership, output)
    # Keys that are drawn for what is refused would stand in the way of those that are there.
    with ExitStack() as draft:
        drawn = draft.enter_context(keys.draft())
        manifests = render(config, helm=helm, keys=drawn)
        ownership.refuse_missing_namespaces({one.identity.namespace for one in manifests} - {""})
        return apply(
            manifests,
            ownership=ownership,
            output=output,
            waiter=Waiter(kubectl, output, timeout, mask=lambda text: masked(text, keys.secrets())),
            absent=absent,
            before_first=draft.close,
            before_last=before_last,
            settled=settled,
        )


def apply(  # noqa: PLR0913 - each is named by its caller
    manifests: Sequence[Manifest],
    *,
    ownership: Ownership,
    output: Print,
    waiter: Waiter,
    absent: Collection[str] = (),
    before_first: Callable[[], None] | None = None,
    before_last: Callable[[], None] | None = None,
    settled: bool = True,
) -> DeployResult:
    """Bring the cluster to these manifests.

    Args:
        manifests: In order of application.
        ownership: Whose they are, on which cluster.
        output: Told what happens, a line at a time.
        waiter: Waits for what later waves depend on, and in the end for all.
        absent: Images that are not there yet. What runs them is left as it is, be it there from
            before or not, and stays in the inventory.
        before_first: Called once nothing stands in the way, before anything is changed.
        before_last: Called before the last wave.
        settled: Whether to wait for what has no probe before anything is removed.

    Raises:
        UpdraftError: One of them is there and somebody else's; nothing is changed then.
    """
    kubectl, inventory, old = ownership.kubectl, ownership.inventory, ownership.entries
    ownership.refuse_foreign(one.identity for one in manifests)
    if before_first:
        before_first()
    _apply(kubectl, [one for one in manifests if one["kind"] == "Namespace"])
    new, whole = entries(manifests), manifests
    late = [one for one in manifests if not one.images.isdisjoint(absent)]
    manifests = [one for one in manifests if one not in late]
    if late:
        output(f"without {', '.join(one.identity.name for one in late)}: not compiled yet")
    # Before anything else: what a killed deploy has made is known to the next one.
    inventory.write(merged(old, carried(old, new)), known=old)
    numbers = sorted({one.wave for one in manifests})
    for count, number in enumerate(numbers, start=1):
        if count == len(numbers) and before_last:
            before_last()
        wave = [one for one in manifests if one.wave == number and one["kind"] != "Namespace"]
        output(f"wave {count} of {len(numbers)}: {_summary(wave)}")
        _remove_failed_jobs(kubectl, wave, output)
        _apply(kubectl, wave, output)
        waiter.wait([one for one in wave if one.awaited])
    waiter.wait(manifests, settled=settled)
    applied = merged(new, carried(old, entries(late)))
    gone, kept = prune(ownership, applied, output, manifests=whole, late=bool(late))
    return DeployResult(tuple(manifests), tuple(gone), tuple(kept), waiter)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without any of the secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _summary(wave: Sequence[Manifest]) -> str:
    kinds = [str(one["kind"]) for one in wave]
    counts = {kind: kinds.count(kind) for kind in kinds}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _apply(kubectl: Kubectl, wave: Sequence[Manifest], output: Print | None = None) -> None:
    """Apply a wave; a Job whose template has changed can't be changed, so it is made anew."""
    try:
        kubectl.apply(wave)
    except KubectlError as error:
        jobs = [one for one in wave if one["kind"] == "Job" and _immutable(one, error.stderr)]
        if not jobs:
            raise _refusal(error) from error
        for job in jobs:
            if output:
                output(f"{job.identity} has changed and runs anew")
            _delete_job(kubectl, job.identity)
        try:
            kubectl.apply(wave)
        except KubectlError as again:
            raise _refusal(again) from again


def _immutable(job: Manifest, stderr: str) -> bool:
    start = f'The Job "{job.identity.name}" is invalid'
    return any(start in line and "immutable" in line for line in stderr.splitlines())


def _refusal(error: KubectlError) -> UpdraftError:
    return UpdraftError(
        f"the cluster refuses a manifest:\n{error.what}",
        where=error.where,
        fix="what was applied before it stays; mend the cause and run the same again",
    )


def _remove_failed_jobs(kubectl: Kubectl, wave: Sequence[Manifest], output: Print) -> None:
    """Delete Jobs of an earlier deploy that have failed, so that they run again."""
    wanted = {one.identity for one in wave if one["kind"] == "Job"}
    for namespace in sorted({one.namespace for one in wanted}):
        for job in kubectl.items("jobs", "-n", namespace):
            name = live.identity(job)
            if name in wanted and state(job).failed:
                output(f"{name} failed before and runs again")
                _delete_job(kubectl, name)


def _delete_job(kubectl: Kubectl, job: Identity) -> None:
    kubectl.run(
        "delete", "job", job.name, "-n", job.namespace,
        "--ignore-not-found", "--cascade=foreground", "--timeout=60s",
    )  # fmt: skip
