"""The Debian that every image starts from: upstream's by digest, or the same made by mmdebstrap."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import versions
from infra.errors import UpdraftError
from infra.images import host
from infra.images.engines import REPOSITORY, Engine, Recipe
from infra.local import packages
from infra.local.shell import run
from infra.output import Print

# mmdebstrap, and the keys of the release that it fetches.
_KEYS = f"/usr/share/keyrings/debian-archive-{versions.DEBIAN_SUITE}-stable.gpg"
PACKAGES = {"mmdebstrap": "mmdebstrap", "debian-archive-keyring": _KEYS}

# What the upstream slim image leaves out, too.
_LEFT_OUT = ("doc", "groff", "info", "linda", "lintian", "locale", "man", "bug")
_HOOKS = (
    'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/resolv.conf "$1"/etc/hostname',
    'rm -rf "$1"/var/log/* "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
)
# The same packages give the same bytes, and so the same tags, on every machine.
_EPOCH = "1767225600"


@dataclass(frozen=True, slots=True)
class Base:
    """A base image.

    Args:
        kind: "registry" or "mmdebstrap".
        reference: What a Containerfile's FROM gets.
        identity: What it is made of: a digest.
    """

    kind: str
    reference: str
    identity: str


def resolve(cache: Path, engine: Engine, output: Print, kind: str = "auto") -> Base:
    """Return the base image, fetched or made where it is not there yet.

    What was chosen first is kept in the cache: a network that comes and goes changes no image.

    Args:
        cache: The images' cache.
        engine: Who builds.
        output: Gets what happens.
        kind: "registry", "mmdebstrap", or "auto" for the registry where it answers.

    Raises:
        UpdraftError: Neither could be had.
    """
    known = recorded(cache, kind)
    if known:
        return known
    if kind == "auto":
        kind = "registry" if registry_answers(versions.DEBIAN_IMAGE) else "mmdebstrap"
    if kind == "registry":
        output(f"Pulling {versions.DEBIAN_IMAGE}")
        reference = engine.pull(versions.DEBIAN_IMAGE)
        base = Base(kind, reference, reference.rpartition("@")[2])
    else:
        packages.ensure(PACKAGES, cache.parent, output)
        digest = _bootstrap(cache / "debian.tar", output)
        base = Base(kind, f"{REPOSITORY}/debian:{digest[:12]}", f"sha256:{digest}")
    record = _record(cache)
    new = record.with_suffix(".new")
    new.write_text(json.dumps(asdict(base)))
    new.replace(record)
    return base


def recorded(cache: Path, kind: str = "auto") -> Base | None:
    """Return the base that was chosen before, None where there is none of that kind."""
    record = _record(cache)
    if not record.is_file():
        return None
    base = Base(**json.loads(record.read_text()))
    return base if kind in ("auto", base.kind) else None


def needs(cache: Path) -> dict[str, str]:
    """Debian's packages that a base image takes, where none was chosen before."""
    if recorded(cache) or registry_answers(versions.DEBIAN_IMAGE):
        return {}
    return PACKAGES


def provide(base: Base, cache: Path, engine: Engine, output: Print) -> None:
    """Put a base that mmdebstrap made into the engine's store, where it is not there yet."""
    if base.kind != "mmdebstrap" or engine.has(base.reference):
        return
    context = cache / "stage" / "debian"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    os.link(cache / "debian.tar", context / "debian.tar")
    (context / "Containerfile").write_text('FROM scratch\nADD debian.tar /\nCMD ["bash"]\n')
    recipe = Recipe(base.reference, context, context / "Containerfile", {}, {})
    engine.build(recipe, cache / "debian.log", output)
    shutil.rmtree(context)


def registry_answers(reference: str) -> bool:
    """Whether the registry of an image can be reached; asking for a login is an answer."""
    registry = reference.partition("/")[0].replace("docker.io", "registry-1.docker.io")
    try:
        with urllib.request.urlopen(f"https://{registry}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)
    except OSError:
        return False


def _record(cache: Path) -> Path:
    return cache / f"base-{versions.DEBIAN_SUITE}.json"


def _bootstrap(tar: Path, output: Print) -> str:
    """Make the root file system as a tar file, and return its SHA-256."""
    suite, start = versions.DEBIAN_SUITE, time.monotonic()
    output(f"Making Debian {suite}'s root file system by mmdebstrap (about a minute)")
    new = tar.with_suffix(".new.tar")
    paths = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in _LEFT_OUT]
    settings = tar.with_suffix(".apt")
    settings.write_text(host.apt_configuration(bundle=False, sources=False))
    sources = host.debian_sources()
    # The host's mirrors are the host's: each build is given them anew, and no image keeps them.
    forget = ['--customize-hook=: > "$1"/etc/apt/sources.list'] if sources else []
    run(
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--keyring={host.DEBIAN_KEYRING}",
        f"--aptopt={settings}",
        *paths,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *(f"--customize-hook={command}" for command in _HOOKS),
        *forget,
        suite,
        new,
        text="".join(f"{line}\n" for line in sources),
        env={"SOURCE_DATE_EPOCH": _EPOCH},
        fix="check that this machine reaches a Debian mirror (`apt-get update`), and that "
        "debian-archive-keyring is up to date",
    )
    if new.stat().st_size < 1 << 24:
        raise UpdraftError("mmdebstrap made no whole root file system", where=str(new))
    new.replace(tar)
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    output(f"  {tar.stat().st_size >> 20} MiB in {time.monotonic() - start:.0f} s")
    return digest
