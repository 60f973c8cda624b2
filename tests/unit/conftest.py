"""What several modules here ask of."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.unit.airflow_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers as Airflow's API does, and lets anybody log in."""
    with Server() as made:
        made.answers["POST /auth/token"] = [(201, {"access_token": "t1"})]
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()
