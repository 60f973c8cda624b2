"""Canaries in whatever Pulumi's own programs keep and print of a stack that has secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kubectl import Kubectl
from infra.settings.stack import merge
from tests.render.pulumi_stack import MISSING, Stack, targets
from tests.render.test_canaries import MARK, PLANTED, canary

pytestmark = [
    pytest.mark.apiserver,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"not on PATH: {', '.join(MISSING)}: NO state, preview or history was searched",
    ),
]
SECRETS = (
    *("namespaces*", "database", "database-connection", "git-access*"),
    *("options*", "metrics", "metrics-receivers*"),
)
HOLDERS = {
    "airflow-metadata",
    "airflow-options",
    "airflow-task-options",
    "alertmanager-receivers",
    "git-credentials",
}


@pytest.fixture
def planted(nodeless: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    change: dict[str, object] = {"airflow": {"baseUrl": "https://airflow.example.com"}}
    for each in PLANTED.values():
        change = merge(change, each)
    dags = {**dict(PLANTED["token"]["dags"]), "server": None}
    return Stack(nodeless, tmp_path / "state", {**change, "dags": dags})


def test_no_canary_is_in_clear_in_state_preview_history_or_events(planted: Stack) -> None:
    engine = planted.engine
    told = [engine.run("preview", "--json"), engine.run("preview", "--diff")]
    told += [engine.run("up", "--yes", "--skip-preview", *targets(SECRETS))]
    told += [engine.run("stack", "export"), engine.run("stack", "output", "--json")]
    told += [planted.kubectl.run("get", "events,configmaps", "-A", "-o", "yaml")]
    files = [path for path in engine.folder.rglob("*") if path.is_file()]
    texts = [*told, *(path.read_text(errors="replace") for path in files)]
    print(f"{len(PLANTED)} canaries; {len(told)} answers and {len(files)} files searched")
    assert [text for text in texts if any(needle in text for needle in needles())] == []
    # They are where they belong.
    names = {one["metadata"]["name"] for one in planted.kubectl.items("secrets", "-A")}
    assert names >= HOLDERS


def needles() -> Iterator[str]:
    """Yield each canary, and the part of it that is the same wherever base64 begins."""
    yield MARK
    for place in PLANTED:
        for begin in range(3):
            text = base64.b64encode(b" " * begin + canary(place).encode()).decode()
            yield text[4:-4]
