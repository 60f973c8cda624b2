"""Builds images where their content changed, and writes each to an archive that a node imports."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UpdraftError
from infra.images import base as bases
from infra.images import engines, host, recipes
from infra.images.engines import REPOSITORY, Engine, Recipe
from infra.local import packages
from infra.local.lock import hold
from infra.output import Print

# Archives of an image that stay: this one and the one before, for a way back.
KEPT = 2


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image.

    Args:
        ref: Its name, whose tag is the hash of its content.
        archive: The docker archive that holds it.
    """

    ref: str
    archive: Path


def build(
    names: Iterable[str], *, cache: Path, output: Print, base: str = "auto"
) -> dict[str, BuiltImage]:
    """Build the named images; unchanged content builds nothing.

    Args:
        names: Some of `recipes.NAMES`.
        cache: Updraft's cache; the images' things go into a folder of it.
        output: Gets what happens.
        base: "registry", "mmdebstrap", or "auto" for the registry where it answers.

    Raises:
        UpdraftError: There is nothing to build with, or a build failed.
    """
    folder, wanted = cache / "images", list(names)
    known = bases.recorded(folder, base)
    if known:
        built = {name: _image(name, folder, known) for name in wanted}
        if all(image.archive.is_file() for image in built.values()):
            return built
    with held(cache, output):
        (folder / "archives").mkdir(exist_ok=True)
        engine = _engine(folder, output)
        started = bases.resolve(folder, engine, output, base)
        return {name: _build(name, folder, engine, started, output) for name in wanted}


def held(cache: Path, output: Print) -> AbstractContextManager[None]:
    """Hold the lock of the images in a cache: one builds at a time.

    Args:
        cache: Updraft's cache.
        output: Told when another has to be waited for.
    """
    return hold(cache / "images" / "lock", "build of images", output)


def needs(cache: Path) -> dict[str, str]:
    """Debian's packages that building takes, by what shows that each is there.

    Args:
        cache: Updraft's cache.
    """
    engine = {} if engines.find() else engines.PACKAGES
    return {**engine, **bases.needs(cache / "images")}


def push(image: BuiltImage, target: str, *, cache: Path, output: Print) -> None:
    """Push a built image to a registry as `target`, a name with a tag.

    Raises:
        UpdraftError: The registry refused it or can't be reached.
    """
    folder = cache / "images"
    with held(cache, output):
        engine = _engine(folder, output)
        if not engine.has(image.ref):
            engine.load(image.archive)
        output(f"Pushing {target}")
        engine.push(image.ref, target)


def _image(name: str, folder: Path, base: bases.Base) -> BuiltImage:
    """What an image is called, and where its archive is once it was built."""
    tag = recipes.content_hash(name, base.identity)[:12]
    return BuiltImage(f"{REPOSITORY}/{name}:{tag}", folder / "archives" / f"{name}-{tag}.tar")


def _build(name: str, folder: Path, engine: Engine, base: bases.Base, output: Print) -> BuiltImage:
    image = _image(name, folder, base)
    if image.archive.is_file():
        return image
    start = time.monotonic()
    if not engine.has(image.ref):
        output(f"Building {image.ref}")
        bases.provide(base, folder, engine, output)
        context = folder / "stage" / name
        recipes.stage(name, context)
        secrets = host.secrets(folder / "stage" / "secrets")
        containerfile = context / recipes.containerfile(name)
        recipe = Recipe(image.ref, context, containerfile, {"BASE": base.reference}, secrets)
        engine.build(recipe, folder / f"{name}.log", output)
        shutil.rmtree(folder / "stage")
    new = image.archive.with_suffix(".new")
    engine.save(image.ref, new)
    new.replace(image.archive)
    size = image.archive.stat().st_size >> 20
    output(f"  {name}: {size} MiB in {time.monotonic() - start:.0f} s")
    _forget_old(name, engine, image.archive)
    return image


def _forget_old(name: str, engine: Engine, newest: Path) -> None:
    """Remove what earlier contents left, all but the last."""
    found = [each for each in newest.parent.glob(f"{name}-????????????.tar") if each != newest]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for archive in found[KEPT - 1 :]:
        engine.remove(f"{REPOSITORY}/{name}:{archive.stem[-12:]}")
        archive.unlink()


def _engine(folder: Path, output: Print) -> Engine:
    program = engines.find()
    if program is None:
        packages.ensure(engines.PACKAGES, folder.parent, output)
        program = engines.find()
    if program is None:
        raise UpdraftError(
            "there is no buildah, podman or docker that works", fix="install buildah"
        )
    engine = Engine(program, folder / "store")
    engine.clean()
    return engine
