"""What kubectl is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.kubectl import Kubectl


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in kubectl's place that prints its environment."""
    made = tmp_path / "kubectl"
    made.write_text("#!/bin/sh\nenv\n")
    made.chmod(0o755)
    return made


@pytest.mark.parametrize("here", [True, False])
def test_no_proxy_stands_before_a_cluster_of_this_machine_and_no_kuberc_changes_what_it_does(
    here: bool, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KUBERC", "/home/somebody/kuberc")
    told = Kubectl(program, None, "one", here=here).run("get", "pods")
    print(told)
    assert "KUBERC=off" in told.splitlines()
    assert ("127.0.0.1:9" in told) is not here
