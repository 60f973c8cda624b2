"""The commands push DAGs to the folder that the settings name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from infra.cli.dags import DagPusher
from infra.cli.platform import Platform
from infra.local.tools import ToolCache
from tests.unit.dag_pushes import files

KUBECTL = """#!/bin/sh
case "$*" in
  *readyz*) echo ok ;;
  *"get secret"*) echo '{"data": {"GITSYNC_USERNAME": "ZGFncw==", "GITSYNC_PASSWORD": "cw=="}}' ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:9 -> 80"; exec sleep 60 ;;
esac
"""


@pytest.mark.parametrize("sub_path", [".", "dags", ".dags", "x/.y"])
def test_dags_are_pushed_to_the_folder_that_the_settings_name(
    sub_path: str,
    platform: Platform,
    folder: Path,
    bare: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = platform.paths.state / "cache"
    monkeypatch.setenv("UPDRAFT_CACHE", str(cache))
    kubectl = ToolCache(cache).path("kubectl")
    kubectl.parent.mkdir(parents=True)
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    chosen = dataclasses.replace(platform.chosen, overrides={"dags": {"subPath": sub_path}})
    with Platform(platform.paths, chosen).git_remote() as remote:
        print(remote)
    DagPusher(folder, platform.paths.state, dataclasses.replace(remote, url=str(bare))).push()
    assert files(bare) == {str(Path(sub_path, "a.py")): "a = 1"}
