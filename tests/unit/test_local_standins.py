"""A stand-in takes the place of a whole package that is there; the compiler has the last word."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.licences import go_modules
from infra.local import reachability, standins, tools
from infra.local.paths import Paths
from infra.local.programs import TOOLS, Tool
from infra.local.standins import Module
from infra.local.tools import ToolCache

MODULE = "example.com/dep"
VERSION = "v1.0.0"
UPSTREAM = {
    "go.mod": f"module {MODULE}\n\ngo 1.26\n",
    "shop/shop.go": 'package shop\n\nfunc Open() string { return "upstream" + rest }\n',
    "shop/rest.go": 'package shop\n\nconst rest = "\'s"\n',
    "shop/shop_test.go": "package shop\n",
    "shelf/shelf.go": 'package shelf\n\nfunc Name() string { return "shelf" }\n',
}
MAIN = """package main

import (
	"example.com/dep/shelf"
	"example.com/dep/shop"
)

func main() { println(shelf.Name(), shop.Open()) }
"""
STAND_IN = 'package shop\n\nfunc Open() string { return "left out" }\n'
PROGRAM = Tool("main", "main", ".", without=(MODULE,))
PROGRAMS = [tool for tool in TOOLS.values() if tool.without]


def put(root: Path, files: dict[str, str]) -> Path:
    """Write files below a folder, and return it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a program with a stand-in, its module served from a folder."""
    served = tmp_path / "proxy" / MODULE / "@v"
    put(
        served,
        {f"{VERSION}.info": f'{{"Version": "{VERSION}"}}', f"{VERSION}.mod": UPSTREAM["go.mod"]},
    )
    with zipfile.ZipFile(served / f"{VERSION}.zip", "w") as archive:
        for name, text in UPSTREAM.items():
            archive.writestr(f"{MODULE}@{VERSION}/{name}", text)
    copy = tmp_path / "tools"
    shutil.copytree(tools.SOURCES, copy)
    monkeypatch.setattr(tools, "SOURCES", copy)
    monkeypatch.setitem(TOOLS, PROGRAM.name, PROGRAM)
    for name, value in {
        "GOPROXY": f"file://{tmp_path / 'proxy'}", "GONOSUMDB": "*", "GOFLAGS": "-mod=mod",
        "GOCACHE": str(tmp_path / "go-build"), "GOMODCACHE": str(tmp_path / "go-mod"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    own = {
        "go.mod": f"module example.com/main\n\ngo 1.26\n\nrequire {MODULE} {VERSION}\n",
        "main.go": MAIN,
        f"without/{MODULE}/shop/own.go": STAND_IN,
    }
    folder = put(copy / PROGRAM.folder, own)
    go = ToolCache(Paths.for_instance().cache).go(print)
    subprocess.run([go, "mod", "download", "all"], cwd=folder, check=True)
    return folder


def test_a_stand_in_takes_the_place_of_all_files_of_its_package_and_of_no_other(
    program: Path, tmp_path: Path
) -> None:
    built = tools.ensure(["main"], print, cache=tmp_path / "cache")["main"]
    said = subprocess.run([built], capture_output=True, text=True, check=True).stderr
    linked = go_modules.linked(built, ToolCache(tmp_path).go(print))
    print(said, linked)
    assert said == "shelf left out\n"
    assert linked == {(MODULE, VERSION)}
    assert str(program).encode() not in built.read_bytes()


def test_what_a_stand_in_lacks_is_told_by_the_compiler(program: Path, tmp_path: Path) -> None:
    put(program, {"main.go": MAIN.replace("Open", "Close")})
    with pytest.raises(UpdraftError) as caught:
        tools.ensure(["main"], print, cache=tmp_path / "cache")
    print(caught.value)
    assert "undefined: shop.Close" in caught.value.what
    assert "tools/main/without" in caught.value.fix


def test_a_program_moves_with_its_stand_ins(program: Path) -> None:
    cache = ToolCache(Path("/cache"))
    before = cache.path("main")
    put(program, {f"without/{MODULE}/shop/own.go": STAND_IN.replace("left", "thrown")})
    assert cache.path("main") != before


def test_a_stand_in_for_what_is_not_there_is_refused(tmp_path: Path) -> None:
    upstream = put(tmp_path / "upstream", UPSTREAM)
    folder = put(tmp_path / "own", {f"without/{MODULE}/shops/own.go": STAND_IN})
    module = Module(MODULE, f"{MODULE}@{VERSION}", upstream)
    with pytest.raises(UpdraftError, match=r"has no package shops") as caught:
        standins.replacements(folder, [module])
    assert caught.value.where == str(folder / f"without/{MODULE}/shops/own.go")
    with pytest.raises(UpdraftError, match=f"has {MODULE}/shops"):
        standins.replacements(folder, [])


@pytest.mark.parametrize("tool", PROGRAMS, ids=lambda tool: tool.name)
def test_what_is_laid_out_is_upstreams_but_for_the_stand_ins(tool: Tool) -> None:
    folder = tools.SOURCES / tool.folder
    store = ToolCache(Paths.for_instance().cache)
    fault = reachability.fault(reachability.go_proxy())
    try:
        found = standins.modules(tool, folder, store.go(print), store.environment())
    except UpdraftError:
        if fault:
            pytest.skip(f"Go's module proxy does not answer: {fault}")
        raise
    placed = standins.replacements(folder, found)
    ours = {file.parent for files in standins.files(folder).values() for file in files}
    there = [place for place, file in placed.items() if file.parent in ours]
    print(f"{len(found)} modules, {len(placed)} files, {len(there)} of them stand in")
    assert {module.path for module in found} == {*tool.without}
    assert len(there) >= len(ours) >= 20
    for place, file in placed.items():
        upstream = standins.real(place, folder, found)
        if file.parent in ours:
            assert any(upstream.parent.glob("*.go")), upstream
            beside = {each for each in placed if each.parent == place.parent}
            assert {placed[each].name for each in beside if each.suffix == ".go"} == {
                each.name for each in file.parent.glob("*.go")
            }
        else:
            assert upstream == file


def test_a_stand_in_says_its_terms_and_whose_declarations_it_repeats() -> None:
    assert PROGRAMS
    for tool in PROGRAMS:
        for name, ours in standins.files(tools.SOURCES / tool.folder).items():
            (module,) = (each for each in tool.without if f"{name}/".startswith(f"{each}/"))
            for file in ours:
                head, _, _ = file.read_text().partition("\n\n")
                print(file.name, head)
                assert "SPDX-License-Identifier: Apache-2.0" in head
                assert f"the declarations of {module};" in head
                assert "under the AGPL-3.0-only" in head


def test_no_module_is_named_of_which_nothing_is_left_out() -> None:
    assert PROGRAMS
    for tool in PROGRAMS:
        standing = standins.files(tools.SOURCES / tool.folder)
        print(tool.name, *standing, sep="\n  ")
        for module in tool.without:
            assert any(f"{name}/".startswith(f"{module}/") for name in standing), module
