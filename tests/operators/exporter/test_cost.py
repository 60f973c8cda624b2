"""A poll stays cheap however many tries there were: its questions go by indexes."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.operators.exporter.conftest import Airflow
from updraft.exporter.queries import QUERIES, STARTS

FINISHED = 50_000
# Tries long gone, a day's worth of them each retried once; constraints would want runs for them.
FILL = f"""
SET session_replication_role = replica;
INSERT INTO task_instance (id, task_id, dag_id, run_id, map_index, state, try_number, max_tries,
    pool, pool_slots, queue, priority_weight, span_status, start_date, queued_dttm,
    last_heartbeat_at)
SELECT gen_random_uuid(), 'task', 'dag_' || n % 50, 'run_' || n / 50, -1, 'success', 2, 2,
    'default_pool', 1, 'default', 1, 'not_started', past, past, past
FROM (SELECT n, now() - make_interval(secs => 600 + n * 10) AS past
      FROM generate_series(1, {FINISHED}) n) gone;
INSERT INTO task_instance_history (task_instance_id, task_id, dag_id, run_id, map_index, state,
    try_number, max_tries, pool, pool_slots, queue, priority_weight, span_status, start_date,
    queued_dttm)
SELECT gen_random_uuid(), task_id, dag_id, run_id, map_index, 'failed', 1, 2, pool, 1, queue, 1,
    'not_started', start_date, queued_dttm FROM task_instance;
ANALYZE;
"""  # noqa: S608 -- constants


@pytest.fixture
def filled(airflow: Airflow) -> Airflow:
    """A database with many tries that have ended, and a few that run."""
    airflow.sql(FILL)
    for state in ("running", "queued", "scheduled", None):
        airflow.task(state, last_heartbeat_at=airflow.now())
    return airflow


def test_no_question_reads_all_that_ever_ran(filled: Airflow) -> None:
    since = {"since": filled.now() - timedelta(seconds=135)}
    with psycopg.connect(filled.database.uri) as connection:
        for query, params in ((QUERIES["tasks"], None), (STARTS, since)):
            rows = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query}", params).fetchall()
            plan = "\n".join(row[0] for row in rows)
            print(plan)
            assert "task_instance" in plan
            assert "Seq Scan on task_instance" not in plan
