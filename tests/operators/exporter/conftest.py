"""A PostgreSQL with Airflow's tables, and rows as Airflow's components leave them."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from updraft.testing.postgres import Database, Server

TEMPLATE = "airflow_tables"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def tables(postgres: Server, own_airflow: None) -> str:  # noqa: ARG001 -- before
    """A database with the tables and indexes that Airflow's models have."""
    from airflow.models.base import Base  # noqa: PLC0415 -- imports Airflow
    from airflow.utils import db  # noqa: PLC0415 -- imports Airflow
    from sqlalchemy import create_engine  # noqa: PLC0415

    models: Any = db  # without types
    models.import_all_models()
    made = postgres.create(TEMPLATE)
    engine = create_engine(made.uri.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(engine)
    engine.dispose()
    return TEMPLATE


@dataclass
class Airflow:
    """A metadata database, and what Airflow does in it."""

    database: Database
    runs: set[str] = field(default_factory=set)

    def sql(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement."""
        return self.database.sql(text, *params)

    def now(self) -> datetime:
        """The server's time."""
        found: datetime = self.sql("SELECT now()")[0][0]
        return found

    def dag(self, dag_id: str, *, paused: bool = False, stale: bool = False) -> None:
        """Add a DAG with a run, once."""
        if dag_id in self.runs:
            return
        self.runs.add(dag_id)
        self.sql(
            "INSERT INTO dag_bundle (name, active, version, last_refreshed) VALUES"
            " ('dags', true, 'abc123', now() - interval '40 s') ON CONFLICT DO NOTHING"
        )
        self.sql(
            "INSERT INTO dag (dag_id, is_paused, is_stale, bundle_name, max_active_tasks,"
            " max_active_runs, max_consecutive_failed_dag_runs, has_task_concurrency_limits,"
            " timetable_type, timetable_partitioned, timetable_periodic, fail_fast,"
            " exceeds_max_non_backfill, partition_mapper_info)"
            " VALUES (%s, %s, %s, 'dags', 16, 16, 0, false, '', false, false, false, false, '{}')",
            dag_id, paused, stale,
        )  # fmt: skip
        self.sql(
            "INSERT INTO dag_run (dag_id, run_id, run_type, state, run_after, clear_number,"
            " updated_at, created_at, span_status)"
            " VALUES (%s, 'run', 'manual', 'running', now(), 0, now(), now(), 'not_started')",
            dag_id,
        )

    def task(self, state: str | None, dag_id: str = "dag", **columns: Any) -> str:
        """Add a task instance; return its id."""
        self.dag(dag_id)
        row: dict[str, Any] = {
            "id": str(uuid4()), "task_id": f"task_{next(_numbers)}", "dag_id": dag_id,
            "run_id": "run", "map_index": -1, "state": state, "try_number": 1, "max_tries": 1,
            "pool": "default_pool", "pool_slots": 1, "queue": "default", "priority_weight": 1,
            "executor_config": pickle.dumps({}), "span_status": "not_started", **columns,
        }  # fmt: skip
        self._insert("task_instance", row)
        return str(row["id"])

    def began(self, waited: float, ago: float = 0, **columns: Any) -> str:
        """Add a running task instance that has waited so many seconds, and began some ago."""
        start = self.now() - timedelta(seconds=ago)
        queued = start - timedelta(seconds=waited)
        times = {"start_date": start, "queued_dttm": queued, "last_heartbeat_at": start}
        return self.task(**{"state": "running", **times, **columns})

    def retry(self, instance: str, state: str = "up_for_retry") -> str:
        """Let Airflow keep a try in the history, and make the row the next try's; its id."""
        from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415 -- imports Airflow
        from sqlalchemy import create_engine  # noqa: PLC0415
        from sqlalchemy.orm import Session  # noqa: PLC0415

        engine = create_engine(self.database.uri.replace("postgresql://", "postgresql+psycopg://"))
        with Session(engine) as session:
            found: Any = session.get(TaskInstance, UUID(instance))
            found.prepare_db_for_next_try(session)
            found.state, found.try_number = state, found.try_number + 1
            session.commit()
            fresh = str(found.id)
        engine.dispose()
        return fresh

    def change(self, instance: str, **columns: Any) -> None:
        """Change a task instance."""
        names = ", ".join(f"{name} = %s" for name in columns)
        self.sql(f"UPDATE task_instance SET {names} WHERE id = %s", *columns.values(), instance)  # noqa: S608

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        places = ", ".join(["%s"] * len(row))
        self.sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608


@pytest.fixture
def airflow(postgres: Server, tables: str) -> Iterator[Airflow]:
    """Airflow's tables, empty, for this test alone."""
    name = f"metadata_{next(_numbers)}"
    Database(postgres.uri()).sql(f'CREATE DATABASE "{name}" TEMPLATE "{tables}"')
    yield Airflow(Database(postgres.uri(name)))
    postgres.drop(name)
