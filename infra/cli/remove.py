"""The commands that end a platform: stop keeps its data, down deletes it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from infra import images
from infra.cli.choices import PULUMI
from infra.cli.options import Options, flag
from infra.cli.platform import Platform
from infra.cli.prompt import confirm
from infra.deploy import pulumi, removal
from infra.dev import elsewhere, owner
from infra.errors import UpdraftError
from infra.local import mounts, node_stores, packages
from infra.local.cluster import Cluster
from infra.local.lock import hold, hold_instance
from infra.local.paths import Paths
from infra.local.tools import ToolCache
from infra.output import Output, Print


def stop(options: Options) -> None:
    """Stop the embedded cluster and keep its data.

    Raises:
        UpdraftError: The cluster isn't ours.
    """
    paths = Paths.for_instance(options.instance)
    output = Output()
    with hold_instance(paths, output):
        platform = Platform.recorded(options)
        if not platform.chosen.embedded_cluster:
            raise UpdraftError(
                f"{platform.chosen.cluster} is not Updraft's to stop",
                fix="make down removes the platform from it",
            )
        if any(platform.cluster.status().processes.values()):
            tell_running(platform, output)
        platform.cluster.stop(output)
    output("stopped; make up brings it back with its data")


def tell_running(platform: Platform, output: Print) -> None:
    """Tell how many tasks run, where that can be known: whatever is broken can be stopped."""
    try:
        if ToolCache(platform.paths.cache).missing(["kubectl"]):
            why = "kubectl is not compiled"
        elif not platform.kubectl.reachable():
            why = "the API server does not say that it is ready"
        else:
            output(running(platform.kubectl.items("pods", "-n", platform.tasks_namespace)))
            return
    except UpdraftError as error:
        why = error.what.splitlines()[0]
    output(f"how many tasks run is not known: {why}")


def running(pods: Iterable[Mapping[str, Any]]) -> str:
    """How many tasks run, by their pods, and what becomes of them."""
    phases = Counter(pod["status"]["phase"] for pod in pods)
    run, wait = phases["Running"], phases["Pending"]
    if not run + wait:
        return "no task runs"
    return (
        f"{run} task{'s' * (run != 1)} run{'s' * (run == 1)}, {wait} wait{'s' * (wait == 1)} to "
        "start: their pods end now, and after make up Airflow tries again what has retries left"
    )


def down(options: Options) -> None:
    """Delete the platform, its data and, where it is ours, the cluster; PURGE=1 the caches too.

    Raises:
        UpdraftError: The user didn't agree, `make dev` runs, or something could not be deleted.
    """
    paths = Paths.for_instance(options.instance)
    purge = flag("PURGE")
    if purge:
        refuse_shared(paths)
    with _no_dev(paths):  # before a question whose answer would be for nothing
        pass
    confirm(_question(paths, purge=purge))
    output = Output()
    with hold_instance(paths, output), _no_dev(paths):
        if elsewhere.holds_ours(paths):
            # By its name alone it is known once the state has gone.
            elsewhere.claim(paths)
        # Without choices a killed first run may have left a cluster all the same.
        if not paths.state.exists() or _embedded(options):
            Cluster(paths).down(output)
        else:
            _remove_from_context(Platform.recorded(options), output)
        _delete(paths.state)
        if elsewhere.owner(paths) == paths.state:
            _delete(paths.elsewhere)
        elif elsewhere.holds_data(paths):
            of = elsewhere.owner(paths) or "a state that it does not name"
            output(f"{paths.elsewhere} stays: its databases are of {of}")
    if not purge:
        output(f"gone; caches stay: {paths.cache}")
        return
    installed = packages.installed_by_us(paths.cache)
    _purge(paths, output)
    output(
        f"gone, caches too; Debian packages that were installed stay: {' '.join(installed) or '-'}"
    )


def _question(paths: Paths, *, purge: bool) -> str:
    """What is asked: all that will be deleted, of `make dev` too."""
    parts = [f"Delete {paths.instance}, its cluster and data"]
    if elsewhere.holds_ours(paths) or (_dev(paths) / "postgres").exists():
        parts.append("make dev's databases too")
    if purge:
        parts.append("and all caches")
    return ", ".join(parts)


def _dev(paths: Paths) -> Path:
    return paths.state / "dev"


def _no_dev(paths: Paths) -> AbstractContextManager[object]:
    """Keep `make dev` out while the block runs.

    Raises:
        UpdraftError: It runs.
    """
    return owner.taken(_dev(paths)) if _dev(paths).is_dir() else nullcontext()


def _delete(folder: Path) -> None:
    """Delete a folder, if it is there."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise UpdraftError(
            f"not everything could be deleted: {error.strerror}",
            where=str(error.filename or folder),
            fix="mend what keeps it, or delete it by hand; then make down again",
        ) from error


def _purge(paths: Paths, output: Output) -> None:
    """Delete the caches, once nobody fills them: a build goes on for moments after its command."""
    cache = paths.cache
    with (
        hold(ToolCache(cache).lock, "build of tools", output),
        images.held(cache, output),
        node_stores.held(cache, output),
    ):
        # Another instance may have come up while this one's end was waited for.
        refuse_shared(paths)
        # A build that was killed leaves mounts of its containers in the images' store.
        mounts.release(cache)
        shutil.rmtree(cache)


def refuse_shared(paths: Paths) -> None:
    """Refuse to delete the caches while other instances run from them.

    Raises:
        UpdraftError: There is another one.
    """
    folders = paths.state.parent.iterdir() if paths.state.parent.exists() else ()
    others = sorted(
        folder.name for folder in folders if folder.is_dir() and folder.name != paths.instance
    )
    if others:
        raise UpdraftError(
            f"other instances use the caches: {', '.join(others)}",
            where=str(paths.cache),
            fix=f"make down INSTANCE={others[0]} first, or leave PURGE=1 out",
        )


def _embedded(options: Options) -> bool:
    try:
        return Platform.recorded(options).chosen.embedded_cluster
    except UpdraftError:
        return True


def _remove_from_context(platform: Platform, output: Output) -> None:
    if platform.chosen.engine == PULUMI:
        pulumi.destroy(
            platform.config,
            platform.chosen.stack,
            platform.paths.state,
            output,
            kubectl=platform.kubectl,
        )
        return
    for kept in removal.destroy(
        platform.config, kubectl=platform.kubectl, keys=platform.keys, output=output
    ):
        output(f"{kept} stays: it holds data")
