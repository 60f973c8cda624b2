"""Pinned programs, each built once from its Go module into the cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UpdraftError
from infra.local import golang, standins
from infra.local.lock import hold
from infra.local.memory import available
from infra.local.paths import Paths
from infra.local.programs import TEST_TOOLS, TOOLS, Tool
from infra.local.shell import awaited, last_lines, run
from infra.output import Print
from infra.root import ROOT

SOURCES = ROOT / "tools"
# What is stripped is not made first: without it Go compiles a fifteenth less (etcd, 85 s to 80 s).
FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
OPTIONS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
# What a program says of itself that leaves packages of upstream's out.
BRANCH = "updraft"
REPORT_EVERY = 15.0
LEAST_MEMORY = 256 << 20


def module_version(folder: str, module: str) -> str:
    """The version that tools/<folder>/go.mod pins a module to.

    Raises:
        UpdraftError: It does not name the module.
    """
    file = SOURCES / folder / "go.mod"
    match = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", file.read_text(), re.M)
    if not match:
        raise UpdraftError(f"no version of {module}", where=str(file))
    return match[1]


def version(tool: Tool) -> str:
    """The version that a program says of itself."""
    return tool.release(module_version(tool.folder, tool.module))


def kubernetes_version() -> str:
    """The cluster's version, such as v1.37.2."""
    return module_version("kubernetes", "k8s.io/kubernetes")


def linker_flags(tool: Tool) -> str:
    """What the linker is told: to leave symbols out, and which version and branch to stamp."""
    stamps = [f"-X {name}={version(tool)}" for name in tool.stamps]
    if tool.branch:
        stamps.append(f"-X {tool.branch}={BRANCH}")
    return " ".join(["-s", "-w", *stamps])


def _flags(tool: Tool) -> list[str]:
    tags = ["-tags", ",".join(tool.tags)] if tool.tags else []
    return [*FLAGS, *tags, "-ldflags", linker_flags(tool)]


def _names_of(tool: Tool) -> set[str]:
    """The tools that a program is, this one among them."""
    program = (tool.folder, tool.package)
    return {one.name for one in TOOLS.values() if (one.folder, one.package) == program}


def _collection() -> dict[str, str]:
    """How Go's compilers collect garbage: they live for seconds, so only where memory gets scarce.

    As many run as there are processors; half of what they may fill stays free. To compile etcd
    took 57 s of processor time instead of 72 (Go 1.26, two processors).
    """
    memory = available()
    if memory is None:
        return {}
    share = memory // 2 // len(os.sched_getaffinity(0))
    return {"GOGC": "off", "GOMEMLIMIT": str(max(LEAST_MEMORY, share))}


def _folder_hash(folder: str) -> str:
    digest = hashlib.sha256(repr([FLAGS, os.uname().machine]).encode())
    for tool in TOOLS.values():
        if tool.folder == folder:
            told = " ".join([tool.name, *tool.tags, *tool.without, linker_flags(tool)])
            digest.update(f"{told}\n".encode())
    for file in sorted((SOURCES / folder).rglob("*")):
        if file.suffix in {".go", ".mod", ".sum"}:
            digest.update(f"{file.relative_to(SOURCES)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


class ToolCache:
    """The programs of one cache directory."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    @property
    def lock(self) -> Path:
        """What is locked while programs are built."""
        return self._cache / "tools.lock"

    def path(self, name: str) -> Path:
        """Where a program is, or will be once it was built.

        Raises:
            UpdraftError: No such program is known.
        """
        tool = TOOLS.get(name)
        if tool is None:
            raise UpdraftError(f'no tool "{name}"', fix=f"one of {', '.join(TOOLS)}")
        return self._cache / "tools" / f"{tool.folder}-{_folder_hash(tool.folder)}" / name

    def missing(self, names: Iterable[str]) -> list[str]:
        """The programs that are still to be built, in the order to build them in."""
        wanted = set(names)
        missing = {name for name in wanted if not self.path(name).exists()}
        return [name for name in TOOLS if name in missing]

    def environment(self) -> dict[str, str]:
        """Go's variables: its caches are in ours, unless the user has set them."""
        own = {
            "GOCACHE": str(self._cache / "go-build"),
            "GOMODCACHE": str(self._cache / "go-mod"),
            **_collection(),
        }
        kept = {name: value for name, value in own.items() if name not in os.environ}
        return {**kept, **golang.FOR_THIS_MACHINE, **OPTIONS}

    def go(self, output: Print) -> Path:
        """Go, new enough for every program."""
        return golang.ensure(golang.needed(SOURCES), self._cache, output)

    def build(self, name: str, output: Print) -> None:
        """Build one program; a killed build leaves nothing that is taken for a program.

        The lock is to be held: two builds would write the same file.
        """
        tool = TOOLS[name]
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(".*.partial*"):  # by a build that was killed
            left.unlink()
        partial = target.with_name(f".{name}.partial")
        code, printed = self._compile(tool, partial, output)
        if code:
            partial.unlink(missing_ok=True)
            raise UpdraftError(
                f"{name} could not be built:\n{last_lines(printed)}",
                where=f"tools/{tool.folder}",
                fix="check that Go's module proxy (GOPROXY) can be reached, then run it again:"
                f" it goes on where it ended{standins.hint(tool)}",
            )
        for other in _names_of(tool) - {name}:
            linked = partial.with_name(f"{partial.name}-{other}")
            os.link(partial, linked)
            linked.replace(self.path(other))
        partial.replace(target)

    def _compile(self, tool: Tool, target: Path, output: Print) -> tuple[int, str]:
        """Run the compiler; its exit code and what it printed."""
        began = time.monotonic()
        go, folder, environment = self.go(output), SOURCES / tool.folder, self.environment()
        with standins.overlay(tool, folder, go, environment) as (_, without):
            flags = [*_flags(tool), *without]
            process = subprocess.Popen(
                [str(go), "build", *flags, "-o", str(target), tool.package],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            with awaited(process):
                while True:
                    try:
                        printed, _ = process.communicate(timeout=REPORT_EVERY)
                    except subprocess.TimeoutExpired:
                        output(f"  … {tool.name}, {time.monotonic() - began:.0f} s so far")
                    else:
                        return process.returncode, printed

    def drop_build_cache(self) -> None:
        """Delete Go's build cache if it is ours: gigabytes that only the next version would use."""
        if "GOCACHE" not in os.environ:
            shutil.rmtree(self._cache / "go-build", ignore_errors=True)


def ensure(names: Iterable[str], output: Print, *, cache: Path | None = None) -> dict[str, Path]:
    """Build what is missing of the named programs, and tell where each is.

    Args:
        names: Names of TOOLS.
        output: Told what is built and how long it takes.
        cache: The cache directory; the user's own when not given.

    Raises:
        UpdraftError: An unknown name, no Go, or a build that failed.
    """
    wanted = list(names)
    store = ToolCache(cache or Paths.for_instance().cache)
    if store.missing(wanted):
        # Two builds would compile the same twice, and one may drop what the other reads.
        with hold(store.lock, "build of tools", output):
            _build(store, wanted, output)
    return {name: store.path(name) for name in wanted}


def _build(store: ToolCache, wanted: list[str], output: Print) -> None:
    began = time.monotonic()
    count = len(store.missing(wanted))
    while missing := store.missing(wanted):
        number = count - len(missing) + 1
        so_far = time.monotonic() - began
        output(f"building {missing[0]} ({number} of {count}; {so_far:.0f} s so far)")
        store.build(missing[0], output)
    if not store.missing(TOOLS.keys() - TEST_TOOLS):
        store.drop_build_cache()


def kubernetes_source(output: Print = lambda _: None) -> Path:
    """The source of k8s.io/kubernetes, which holds its OpenAPI schemas; fetched if need be."""
    store = ToolCache(Paths.for_instance().cache)
    answer = run(
        store.go(output),
        *("mod", "download", "-json", f"k8s.io/kubernetes@{kubernetes_version()}"),
        env=store.environment(),
        cwd=SOURCES / "kubernetes",
        fix="check that Go's module proxy (GOPROXY) can be reached",
    )
    match = re.search(r'"Dir":\s*"([^"]+)"', answer)
    if not match:
        raise UpdraftError("Go did not tell where k8s.io/kubernetes is", where=answer)
    return Path(match[1])
