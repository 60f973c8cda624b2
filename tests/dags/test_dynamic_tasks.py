"""The DAGs as Airflow itself parses them, and dynamic_tasks run to its end in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Airflow reads its configuration at its import, so each look at a DAG is a process of its own.
STRUCTURE = """
import json, sys
from datetime import UTC, datetime
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

def first_run(dag):
    # Seconds until the scheduler's first run of a DAG that is unpaused now, and its hour.
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    after = stored.next_dagrun_info(last_automated_run_info=None).run_after
    return {"in": (after - datetime.now(UTC)).total_seconds(), "at": after.strftime("%H:%M")}

bag = DagBag(sys.argv[1])
print(json.dumps({
    "errors": bag.import_errors,
    "dags": {
        name: {
            "tasks": {
                task.task_id: {
                    "mapped": task.is_mapped,
                    "retries": task.retries,
                    "downstream": sorted(task.downstream_task_ids),
                }
                for task in dag.tasks
            },
            "first_run": first_run(dag),
            "params": dag.params.dump(),
            "doc": dag.doc_md or "",
        }
        for name, dag in bag.dags.items()
    },
}))
"""

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["dynamic_tasks"]

def run(conf):
    made = dag.test(run_conf=conf)
    instances = made.get_task_instances()
    (summary,) = [each for each in instances if each.task_id == "summarise"]
    processed = [each for each in instances if each.task_id == "process" and each.map_index >= 0]
    return {
        "state": made.state,
        "names": sorted(each.rendered_map_index for each in processed),
        "tries": sorted({each.try_number for each in processed}),
        "summary": summary.xcom_pull(task_ids="summarise", map_indexes=-1),
    }

print(json.dumps([run(conf) for conf in json.loads(sys.argv[2])]))
"""


def airflow(home: Path, program: str, *arguments: str) -> Any:
    """Run a program with an Airflow of its own; the last line that it prints is its answer."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(ROOT / "operators"),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="session")
def parsed(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = airflow(home, STRUCTURE, str(ROOT / "dags"))
    return found


def test_every_dag_file_parses(parsed: dict[str, Any]) -> None:
    files = list((ROOT / "dags").rglob("*.py"))
    print(f"{len(files)} files, DAGs: {list(parsed['dags'])}")
    assert files
    assert parsed["errors"] == {}
    assert "dynamic_tasks" in parsed["dags"]


@pytest.fixture
def dynamic_tasks(parsed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = parsed["dags"]["dynamic_tasks"]
    return found


def test_the_tasks_form_a_fan_out(dynamic_tasks: dict[str, Any]) -> None:
    tasks = dynamic_tasks["tasks"]
    print({name: (task["mapped"], task["downstream"]) for name, task in tasks.items()})
    assert {name: task["mapped"] for name, task in tasks.items()} == {
        "get_data": False,
        "process": True,
        "summarise": False,
    }
    assert tasks["get_data"]["downstream"] == ["process"]
    assert tasks["process"]["downstream"] == ["summarise"]


def test_each_task_retries(dynamic_tasks: dict[str, Any]) -> None:
    retries = {name: task["retries"] for name, task in dynamic_tasks["tasks"].items()}
    print(retries)
    assert retries == {"get_data": 2, "process": 2, "summarise": 2}


def test_it_runs_at_the_next_midnight_and_not_for_the_past(dynamic_tasks: dict[str, Any]) -> None:
    first = dynamic_tasks["first_run"]
    print(first)
    assert first["at"] == "00:00"
    assert 0 < first["in"] <= 24 * 3600


def test_the_parameters_have_defaults(dynamic_tasks: dict[str, Any]) -> None:
    assert dynamic_tasks["params"] == {"items": 12, "seconds": 1.0, "ledger_conn_id": None}


def test_the_dag_is_documented(dynamic_tasks: dict[str, Any]) -> None:
    assert "quota" in dynamic_tasks["doc"]


@pytest.fixture(scope="session")
def runs(home: Path) -> list[dict[str, Any]]:
    """A run over three items, and one over none."""
    airflow(home, "from airflow.utils.db import initdb; initdb(); print('{}')")
    confs = [{"items": 3, "seconds": 0}, {"items": 0, "seconds": 0}]
    found: list[dict[str, Any]] = airflow(home, RUN, str(ROOT / "dags"), json.dumps(confs))
    print(found)
    return found


def test_every_item_is_processed_at_the_first_try(runs: list[dict[str, Any]]) -> None:
    assert runs[0] == {
        "state": "success",
        "names": ["item 0", "item 1", "item 2"],
        "tries": [1],
        "summary": {"items": 3, "sum_of_squares": 5, "pods": 1},
    }


def test_an_empty_list_succeeds(runs: list[dict[str, Any]]) -> None:
    assert runs[1] == {
        "state": "success",
        "names": [],
        "tries": [],
        "summary": {"items": 0, "sum_of_squares": 0, "pods": 0},
    }
