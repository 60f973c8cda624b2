"""What several modules here ask of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.choices import Choices
from infra.cli.platform import Platform
from infra.local.paths import Paths
from tests.unit.airflow_server import Server
from tests.unit.dag_pushes import git


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers as Airflow's API does, and lets anybody log in."""
    with Server() as made:
        made.answers["POST /auth/token"] = [(201, {"access_token": "t1"})]
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def api(server: Server) -> AirflowApi:
    """A client of that server."""
    return AirflowApi(server.address, "admin", "s3cret", patience=5)


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A platform of the embedded cluster as it is recorded; nothing runs."""
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path))
    chosen = Choices("", "embedded", "embedded", "", "local", "", 8080)
    return Platform(Paths.for_instance("told"), chosen)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository that nothing was pushed to."""
    made = tmp_path / "remote.git"
    git("init", "-q", "--bare", "-b", "main", str(made), cwd=tmp_path)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one DAG."""
    made = tmp_path / "dags"
    (made / "__pycache__").mkdir(parents=True)
    (made / "__pycache__" / "a.pyc").write_text("compiled")
    (made / "a.py").write_text("a = 1\n")
    return made
