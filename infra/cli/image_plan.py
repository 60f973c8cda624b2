"""Which images a platform needs of this machine, and which of them wait for a compiler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cli.choices import EMBEDDED, Choices
from infra.cli.platform import WATCHING
from infra.errors import UpdraftError
from infra.local.programs import MONITORING_TOOLS
from infra.local.tools import ToolCache
from infra.settings import stack
from infra.settings.monitoring import Monitoring

PLATFORM_IMAGES = ("airflow", "postgres", "git-sync", "git-server")
# By mode of monitoring, what else the embedded cluster needs, which can pull nothing.
WATCHING_IMAGES = {
    "bundled": WATCHING,
    "operator": ("statsd-exporter", "collector"),
    "none": (),
}
LOCAL = "localhost/"
UNBUILT = "unbuilt"


def needed(chosen: Choices) -> tuple[str, ...]:
    """The images that are built here: all for the embedded cluster, else what has no other.

    Raises:
        UpdraftError: The cluster could not pull what would be built.
    """
    config = stack.read(chosen.stack, chosen.overrides)
    if chosen.embedded_cluster:
        unsaid = Monitoring.model_fields["mode"].default
        mode = str(_area(config, "monitoring").get("mode", unsaid))
        return (*PLATFORM_IMAGES, *WATCHING_IMAGES.get(mode, ()))
    named = {
        "airflow": str(_area(config, "image").get("repository", "")),
        "git-server": str(_area(_area(config, "dags"), "server").get("image", "")),
    }
    # No other machine can pull what is called localhost/…, so it is to be built.
    names = tuple(name for name, image in named.items() if image.startswith(LOCAL))
    if names and not chosen.registry:
        raise UpdraftError(
            f"context {chosen.context} needs images in a registry that it can pull from",
            where=f"stack {chosen.stack}: {', '.join(names)} would be built on this machine",
            fix="REGISTRY=registry.example.com/data builds and pushes them there; "
            "or name images in the stack's settings",
        )
    return names


def late(chosen: Choices, cache: ToolCache) -> tuple[str, ...]:
    """The images of programs that are still to be compiled, and that Airflow runs without.

    What watches joins a platform that the embedded engine made; Pulumi deploys all at once.
    """
    if chosen.engine != EMBEDDED or not chosen.embedded_cluster:
        return ()
    missing = set(cache.missing(MONITORING_TOOLS.values()))
    return tuple(n for n in needed(chosen) if MONITORING_TOOLS.get(n) in missing)


def programs(names: Iterable[str]) -> list[str]:
    """The programs that some images are made of."""
    return [MONITORING_TOOLS[name] for name in names if name in MONITORING_TOOLS]


def unbuilt(name: str) -> str:
    """What an image is called before it is there."""
    return f"{LOCAL}updraft/{name}:{UNBUILT}"


def in_registry(registry: str, reference: str) -> str:
    """What an image of this machine is called in a registry."""
    return f"{registry.rstrip('/')}/{reference.rpartition('/')[2]}"


def _area(config: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}
