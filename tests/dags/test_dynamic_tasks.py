"""The DAGs as Airflow itself parses them, and dynamic_tasks run to its end in this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infra.root import ROOT
from updraft.testing.results import RunResult

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

DAGS = ROOT / "dags"


@pytest.fixture(scope="module")
def parsed(own_airflow: None) -> DagBag:  # noqa: ARG001 -- Airflow's home is set before
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 -- reads Airflow's settings

    return DagBag(DAGS)


@pytest.fixture
def dynamic_tasks(parsed: DagBag) -> DAG:
    return parsed.dags["dynamic_tasks"]


def test_every_dag_file_parses(parsed: DagBag) -> None:
    files = list(DAGS.rglob("*.py"))
    print(f"{len(files)} files, DAGs: {list(parsed.dags)}")
    assert len(files) >= 6
    assert parsed.import_errors == {}
    assert {file.stem for file in files} == set(parsed.dags)


def test_the_tasks_form_a_fan_out(dynamic_tasks: DAG) -> None:
    tasks = {task.task_id: task for task in dynamic_tasks.tasks}
    print({name: (task.is_mapped, task.downstream_task_ids) for name, task in tasks.items()})
    assert {name: task.is_mapped for name, task in tasks.items()} == {
        "get_data": False,
        "process": True,
        "summarise": False,
    }
    assert tasks["get_data"].downstream_task_ids == {"process"}
    assert tasks["process"].downstream_task_ids == {"summarise"}


def test_each_task_retries(dynamic_tasks: DAG) -> None:
    retries = {task.task_id: task.retries for task in dynamic_tasks.tasks}
    print(retries)
    assert retries == {"get_data": 2, "process": 2, "summarise": 2}


def test_it_runs_at_the_next_midnight_and_not_for_the_past(dynamic_tasks: DAG) -> None:
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415 -- as above

    stored = DagSerialization.from_dict(DagSerialization.to_dict(dynamic_tasks))
    info = stored.next_dagrun_info(last_automated_run_info=None)
    assert info is not None
    print(info)
    assert info.run_after.strftime("%H:%M") == "00:00"
    assert 0 < info.run_after.timestamp() - datetime.now(UTC).timestamp() <= 24 * 3600


def test_the_parameters_have_defaults(dynamic_tasks: DAG) -> None:
    assert dynamic_tasks.params.dump() == {"items": 12, "seconds": 1.0, "ledger_conn_id": None}


def test_the_dag_is_documented(dynamic_tasks: DAG) -> None:
    assert "quota" in (dynamic_tasks.doc_md or "")


@pytest.mark.parametrize("items", [3, 0])
def test_every_item_is_processed_at_the_first_try(
    items: int, run_dag: Callable[..., RunResult]
) -> None:
    done = run_dag(DAGS / "dynamic_tasks.py", conf={"items": items, "seconds": 0})
    print(done.states, done.names)
    assert done.state == "success"
    assert done.errors == {}, "an item took a second try"
    assert sorted(done.names.values()) == [f"item {item}" for item in range(items)]
    assert done.xcom("summarise") == {
        "items": items,
        "sum_of_squares": sum(item * item for item in range(items)),
        "pods": 1 if items else 0,
    }
