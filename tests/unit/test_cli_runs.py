"""A run that is watched says what it waits behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra.cli.runs import RunReport, RunWatcher


def pod(dag: str, run: str, phase: str = "Running") -> dict[str, Any]:
    notes = {"dag_id": dag, "run_id": run, "task_id": "t", "map_index": "-1", "try_number": "1"}
    metadata = {"name": f"{dag}-{run}", "annotations": notes}
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        ([], "pods: 0 live, 0 so far"),
        ([pod("wide", "r")], "pods: 0 live, 0 so far; waiting behind the pods of wide"),
        ([pod("shop", "other")], "pods: 0 live, 0 so far; waiting behind the pods of shop"),
        ([pod("wide", "r", "Succeeded")], "pods: 0 live, 0 so far"),
        ([pod("wide", "r"), pod("shop", "r")], "pods: 1 live, 1 so far"),
        ([pod(name, "r") for name in "abcde"], "waiting behind the pods of a, b, c and 2 more"),
    ],
)
def test_a_run_without_pods_names_those_that_have_them(
    pods: list[dict[str, Any]], told: str
) -> None:
    api: Any = SimpleNamespace(run=lambda *_: {"state": "running"}, task_instances=lambda *_: [])
    kubectl: Any = SimpleNamespace(items=lambda *_: pods)
    report = RunReport("shop", "r")
    RunWatcher(api, kubectl, "airflow-tasks").look(report)
    print(report.counts())
    assert report.counts().endswith(told)
