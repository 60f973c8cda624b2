"""What watches the platform is in images of one program each, those that the mode needs."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from infra import settings
from infra.cli.choices import Choices
from infra.cli.image_plan import PLATFORM_IMAGES, late, needed, unbuilt
from infra.cli.platform import WATCHING, Platform
from infra.images import programs
from infra.local import images as archives
from infra.local.paths import Paths
from infra.local.programs import MONITORING_TOOLS
from infra.local.tools import ToolCache
from infra.root import ROOT, TERMS

CHOSEN = Choices(
    context="",
    engine="embedded",
    chart="embedded",
    chart_path="",
    stack="local",
    registry="registry.example.com/data",
    ui_port=8080,
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths("unit", tmp_path / "cache", tmp_path / "state", tmp_path / "run")


@pytest.fixture
def built(tmp_path: Path) -> dict[str, Path]:
    """Programs by their names; each says but who it is."""
    found = {name: tmp_path / name for name in MONITORING_TOOLS.values()}
    for name, path in found.items():
        path.write_text(f"#!/bin/sh\necho {name}\n")
    return found


def test_an_image_is_its_program_with_our_terms_and_runs_it_as_nobody(
    paths: Paths, built: dict[str, Path]
) -> None:
    images = programs.build(programs.NAMES, built, paths.cache)
    assert set(images) == {
        "prometheus", "statsd-exporter", "kube-state-metrics", "loki", "collector",
    }  # fmt: skip
    for name, image in images.items():
        with tarfile.open(image.archive) as archive:
            files = {m.name: archive.extractfile(m) for m in archive.getmembers()}
            content = {each: file.read() for each, file in files.items() if file}
        config = json.loads(content["config.json"])
        print(image.ref, config)
        assert image.ref.startswith(f"localhost/updraft/{name}:")
        assert json.loads(content["manifest.json"])[0]["RepoTags"] == [image.ref]
        assert config["config"] == {"Entrypoint": [f"/{name}"], "User": "65532:65532"}
        digest = hashlib.sha256(content["layer.tar"]).hexdigest()
        assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
        with tarfile.open(fileobj=io.BytesIO(content["layer.tar"])) as layer:
            modes = {entry.name: entry.mode for entry in layer.getmembers()}
            held = {each: layer.extractfile(each) for each in modes}
            inside = {each: file.read() for each, file in held.items() if file}
        terms = {f"usr/share/doc/updraft/{term}": (ROOT / term).read_bytes() for term in TERMS}
        assert inside == {name: built[MONITORING_TOOLS[name]].read_bytes(), **terms}
        assert modes == {name: 0o755, **dict.fromkeys(terms, 0o644)}


def test_a_reference_changes_with_the_terms(
    built: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = archives.static_reference("loki", built["loki"])
    for term in TERMS:
        (tmp_path / term).write_bytes((ROOT / term).read_bytes())
    monkeypatch.setattr(archives, "ROOT", tmp_path)
    same = archives.static_reference("loki", built["loki"])
    (tmp_path / TERMS[-1]).write_text("others")
    after = archives.static_reference("loki", built["loki"])
    print(before, same, after)
    assert same == before
    assert after != before


def test_a_reference_changes_with_no_other_program(paths: Paths, built: dict[str, Path]) -> None:
    before = programs.build(programs.NAMES, built, paths.cache)
    stamps = {name: image.archive.stat().st_mtime_ns for name, image in before.items()}
    with built["otelcol"].open("a") as file:
        file.write("exit 1\n")
    after = programs.build(programs.NAMES, built, paths.cache)
    changed = [name for name in after if after[name].ref != before[name].ref]
    written = [name for name in after if after[name].archive.stat().st_mtime_ns != stamps[name]]
    assert changed == written == ["collector"]


def test_of_old_archives_the_last_stays(paths: Paths, built: dict[str, Path]) -> None:
    archives = []
    for number in range(4):
        built["loki"].write_text(f"{number}")
        archives.append(programs.build(["loki"], built, paths.cache)["loki"].archive)
        os.utime(archives[-1], (number, number))
    left = sorted(archives[0].parent.iterdir())
    print(left)
    assert left == sorted(archives[2:])


@pytest.mark.parametrize(
    ("mode", "watching"),
    [
        ("bundled", {*programs.NAMES, "alertmanager"}),
        ("operator", {"statsd-exporter", "collector"}),
        ("none", set()),
    ],
)
def test_the_embedded_cluster_gets_what_the_mode_runs(mode: str, watching: set[str]) -> None:
    chosen = dataclasses.replace(CHOSEN, overrides={"monitoring": {"mode": mode}})
    names = needed(chosen)
    print(names)
    assert len(set(names)) == len(names)
    assert set(names) == {*PLATFORM_IMAGES, *watching}


def test_a_cluster_of_ones_own_pulls_what_watches() -> None:
    chosen = dataclasses.replace(CHOSEN, context="mine")
    names = needed(chosen)
    print(names)
    assert "airflow" in names
    assert not set(names) & set(WATCHING)


def test_airflow_waits_for_no_program_that_watches_it(tmp_path: Path) -> None:
    cache = ToolCache(tmp_path)
    assert set(late(CHOSEN, cache)) == set(programs.NAMES)
    for name in ("loki", "prometheus"):
        path = cache.path(MONITORING_TOOLS[name])
        path.parent.mkdir(parents=True)
        path.touch()
    found = late(CHOSEN, cache)
    print(found)
    assert set(found) == set(programs.NAMES) - {"loki", "prometheus"}
    # Pulumi makes all at once, and another cluster pulls what watches.
    assert late(dataclasses.replace(CHOSEN, engine="pulumi"), cache) == ()
    assert late(dataclasses.replace(CHOSEN, context="mine"), cache) == ()


def test_an_image_that_is_not_there_yet_is_named_all_the_same(paths: Paths) -> None:
    images = {"loki": unbuilt("loki")}
    found = Platform(paths, dataclasses.replace(CHOSEN, images=images)).settings.monitoring.images
    print(found.loki)
    assert found.loki == "localhost/updraft/loki:unbuilt"


def test_what_was_built_is_what_the_settings_name(paths: Paths) -> None:
    images = {name: f"localhost/updraft/{name}:7" for name in WATCHING}
    found = Platform(paths, dataclasses.replace(CHOSEN, images=images)).settings.monitoring.images
    print(found)
    assert sorted(found.model_dump().values()) == sorted(images.values())
    assert found.kube_state_metrics == images["kube-state-metrics"]
    upstream = settings.load(Platform(paths, CHOSEN).config).monitoring.images
    assert not set(upstream.model_dump().values()) & set(images.values())
