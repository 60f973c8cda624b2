"""Airflow is set up by the package's logging at next to no cost, and whatever the settings say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COST = """
import json, sys, time
import airflow.config_templates.airflow_local_settings
before = set(sys.modules)
began = time.process_time()
import updraft.logs
cost = time.process_time() - began
print(json.dumps([cost, sorted(set(sys.modules) - before)]))
"""
SETUP = """
import airflow
import airflow.settings
airflow.settings.configure_logging()
from airflow.logging_config import get_remote_task_log
print("reader", type(get_remote_task_log()).__name__)
"""


def python(folder: Path, program: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=False,
        env={**os.environ, "AIRFLOW_HOME": str(folder), **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_a_task_starts_no_later_for_it(tmp_path: Path) -> None:
    python(tmp_path, COST)  # compiled
    cost, modules = json.loads(python(tmp_path, COST))
    print(f"{cost * 1000:.1f} ms for {modules}")
    assert "updraft.logs.reader" in modules
    assert not [name for name in modules if name.startswith(("airflow", "httpx", "requests"))]
    assert cost < 0.05


@pytest.mark.parametrize("url", ["", "loki://nowhere", "http://[", "%(nothing)s"])
def test_no_address_breaks_airflow(tmp_path: Path, url: str) -> None:
    said = python(
        tmp_path, SETUP,
        AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS="updraft.logs.LOGGING_CONFIG",
        AIRFLOW__UPDRAFT__LOKI_URL=url,
    )  # fmt: skip
    assert said == "reader LokiTaskLog"
