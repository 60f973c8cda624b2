"""The platform's end: stop keeps the data, down leaves nothing behind. Runs last."""

from __future__ import annotations

import re

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.local import cleanup
from tests.cluster import support
from tests.cluster.support import Ledger

RUNS = "dags/~/dagRuns"


def every_run(api: AirflowApi) -> set[str]:
    return {f"{run['dag_id']}/{run['dag_run_id']}" for run in api.pages(RUNS, "dag_runs")}


def test_stop_and_up_keep_the_data(platform: Platform, api: AirflowApi, ledger: Ledger) -> None:
    runs = every_run(api)
    password = platform.administrator()[1]
    ledger.sql("INSERT INTO ledger VALUES ('kept', 1, 1, 'by hand')")
    assert re.search(r"no task runs|\d+ tasks? runs?, \d+ waits? to start", support.command("stop"))
    assert cleanup.found(platform.paths) == []
    assert platform.paths.state.exists()
    print(support.command("up"))
    again = Platform.recorded(Options(instance=platform.paths.instance))
    assert again.administrator()[1] == password
    with again.api() as after:
        assert runs <= every_run(after)
    assert [row.pod for row in ledger.rows("kept")] == ["by hand"]


def test_down_leaves_nothing_behind(platform: Platform, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--keep"):
        pytest.skip("--keep was asked for")
    refused = support.attempt("down")
    assert refused.returncode == 1
    assert "YES=1" in refused.stdout
    support.command("down", YES="1")
    assert cleanup.found(platform.paths) == []
    assert not platform.paths.state.exists()
    # Once more, on nothing.
    support.command("down", YES="1")
