"""A platform's images: built, named as its cluster calls them, and old ones taken off its node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from infra import images
from infra.cli import image_plan
from infra.cli.choices import Choices
from infra.images import BuiltImage, programs
from infra.local.cluster import Cluster
from infra.output import Print


def build(
    chosen: Choices,
    compiled: Mapping[str, Path],
    cache: Path,
    output: Print,
    *,
    late: Iterable[str],
) -> dict[str, BuiltImage]:
    """Build what is missing of the images that a platform needs.

    Args:
        chosen: The platform's choices.
        compiled: The programs that are there.
        cache: Where images are kept.
        output: Told how far it is.
        late: Images that are left out, since their programs are not there yet.

    Raises:
        UpdraftError: A build failed.
    """
    needed = [name for name in image_plan.needed(chosen) if name not in late]
    recipes = [name for name in needed if name in images.NAMES]
    built = images.build(recipes, cache=cache, output=output) if recipes else {}
    alone = [name for name in needed if name in programs.NAMES]
    built |= programs.build(alone, compiled, cache)
    output(f"{len(built)} images: {', '.join(built) or 'as settings say'}")
    return built


def references(
    chosen: Choices, built: Mapping[str, BuiltImage], cache: Path, output: Print
) -> dict[str, str]:
    """What the cluster calls the images; one of the user's pulls them from a registry.

    Raises:
        UpdraftError: The registry refuses one.
    """
    if chosen.embedded_cluster:
        return {name: image.ref for name, image in built.items()}
    found = {}
    for name, image in built.items():
        found[name] = image_plan.in_registry(chosen.registry, image.ref)
        images.push(image, found[name], cache=cache, output=output)
    return found


def forget(cluster: Cluster, *kept: Mapping[str, str]) -> None:
    """Take old images off the embedded cluster's node.

    Args:
        cluster: It need not be there.
        kept: References of the images that stay: the last ones too, for pods about to start.
    """
    if not cluster.exists:
        return
    keep = {reference for each in kept for reference in each.values()}
    own = tuple(f"{image_plan.LOCAL}updraft/{name}:" for name in (*images.NAMES, *programs.NAMES))
    cluster.remove_images({ref for ref in cluster.images() if ref.startswith(own)} - keep)
