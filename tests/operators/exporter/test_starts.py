"""Each try's wait is counted once, whatever becomes of its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from tests.operators.exporter.conftest import Airflow
from tests.operators.exporter.reading import shown
from updraft.exporter.database import Database
from updraft.exporter.exporter import Exporter
from updraft.testing.results import RunResult

NAME = "updraft_task_queue_to_start_seconds"


@pytest.fixture
def exporter(airflow: Airflow) -> Exporter:
    """One that has looked once at what was there before it."""
    airflow.began(7, ago=60)
    made = Exporter(Database(airflow.database.uri))
    made.poll()
    return made


def waits(exporter: Exporter) -> tuple[float, float]:
    """Poll, and return how many tries were counted in all and how long they waited."""
    exporter.poll()
    found = shown(exporter)
    print({name: values for name, values in found.items() if name.startswith(NAME)})
    counts = found.get(f"{NAME}_count", {})
    return sum(counts.values()), round(sum(found.get(f"{NAME}_sum", {}).values()), 1)


def unmeasured(exporter: Exporter) -> float:
    return shown(exporter)["updraft_task_starts_unmeasured_total"][()]


def test_what_began_before_the_exporter_is_not_counted(exporter: Exporter) -> None:
    assert waits(exporter) == (0, 0)


def test_a_try_is_counted_once_by_its_dag(airflow: Airflow, exporter: Exporter) -> None:
    airflow.began(25, dag_id="a")
    airflow.began(35, dag_id="b")
    assert waits(exporter) == (2, 60)
    assert waits(exporter) == (2, 60)
    buckets = shown(exporter)[f"{NAME}_bucket"]
    assert (buckets["a", "30.0"], buckets["b", "30.0"], buckets["b", "60.0"]) == (1, 0, 1)


def test_a_try_that_has_ended_is_counted(airflow: Airflow, exporter: Exporter) -> None:
    airflow.change(airflow.began(3), state="success", end_date=airflow.now())
    assert waits(exporter) == (1, 3)


def test_tries_that_fail_and_are_retried_between_two_looks_are_each_counted(
    airflow: Airflow, exporter: Exporter
) -> None:
    second = airflow.retry(airflow.began(3))
    # Waiting for the second try, the row still has the times of the first.
    assert waits(exporter) == (1, 3)
    now = airflow.now()
    airflow.change(second, state="queued", queued_dttm=now)
    assert waits(exporter) == (1, 3)
    start = now + timedelta(seconds=4)
    airflow.change(second, state="running", start_date=start, last_heartbeat_at=start)
    third = airflow.retry(second, state="queued")
    airflow.change(third, queued_dttm=start + timedelta(seconds=1))
    assert waits(exporter) == (2, 7)
    assert unmeasured(exporter) == 0


def test_a_deferred_tasks_return_is_no_second_wait(airflow: Airflow, exporter: Exporter) -> None:
    instance = airflow.began(2)
    assert waits(exporter) == (1, 2)
    airflow.change(instance, state="deferred")
    airflow.change(instance, state="queued", queued_dttm=airflow.now() + timedelta(seconds=50))
    airflow.change(instance, state="running", last_heartbeat_at=airflow.now())
    assert waits(exporter) == (1, 2)
    assert unmeasured(exporter) == 0


def test_a_wait_that_can_no_longer_be_known_is_said_to_be_so(
    airflow: Airflow, exporter: Exporter
) -> None:
    instance = airflow.began(2)
    airflow.change(instance, state="queued", queued_dttm=airflow.now() + timedelta(seconds=50))
    airflow.began(0, queued_dttm=None)
    assert waits(exporter) == (0, 0)
    assert unmeasured(exporter) == 2
    assert waits(exporter) == (0, 0)
    assert unmeasured(exporter) == 2


def test_a_rescheduled_sensors_looks_are_one_beginning(
    airflow: Airflow, exporter: Exporter
) -> None:
    instance = airflow.began(2)
    now = airflow.now()
    airflow.sql(
        "INSERT INTO task_reschedule (ti_id, start_date, end_date, duration, reschedule_date)"
        " VALUES (%s, %s, %s, 1, %s)", instance, now, now, now,
    )  # fmt: skip
    airflow.change(instance, state="up_for_reschedule")
    assert waits(exporter) == (1, 2)
    start = airflow.now() + timedelta(seconds=9)
    airflow.change(
        instance,
        state="running",
        queued_dttm=start - timedelta(seconds=8),
        start_date=start,
        last_heartbeat_at=start,
    )
    assert waits(exporter) == (1, 2)


def test_a_row_that_is_committed_late_is_counted(airflow: Airflow, exporter: Exporter) -> None:
    instance = airflow.task("queued", queued_dttm=airflow.now() - timedelta(seconds=5))
    with psycopg.connect(airflow.database.uri) as late:
        late.execute(
            "UPDATE task_instance SET state = 'running', start_date = now(),"
            " last_heartbeat_at = now() WHERE id = %s", (instance,),
        )  # fmt: skip
        assert waits(exporter) == (0, 0)
    count, total = waits(exporter)
    assert count == 1
    assert 5 <= total < 8
    assert waits(exporter)[0] == 1


def test_mapped_tries_that_begin_at_once_are_each_counted(
    airflow: Airflow, exporter: Exporter
) -> None:
    start = airflow.now()
    for index in range(30):
        airflow.task(
            "running", task_id="mapped", map_index=index, start_date=start,
            queued_dttm=start - timedelta(seconds=1), last_heartbeat_at=start,
        )  # fmt: skip
    assert waits(exporter) == (30, 30)


def test_airflow_sets_what_a_try_is_found_by(run_dag: Callable[..., RunResult]) -> None:
    from airflow.sdk import dag, task  # noqa: PLC0415
    from sqlalchemy import text  # noqa: PLC0415

    from updraft.testing.metadata import session  # noqa: PLC0415

    @dag(schedule=None)
    def exporter_starts() -> None:
        @task
        def begin() -> None: ...

        begin()

    run_dag(exporter_starts())
    with session() as opened:
        rows = opened.execute(
            text(
                "SELECT start_date, last_heartbeat_at FROM task_instance"
                " WHERE dag_id = 'exporter_starts'"
            )
        ).all()
    print(rows)
    assert len(rows) == 1
    assert all(start and heartbeat and start <= heartbeat for start, heartbeat in rows)


def test_what_is_remembered_is_forgotten_with_its_time(airflow: Airflow) -> None:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from updraft.exporter.starts import OVERLAP, Starts  # noqa: PLC0415

    now = airflow.now()
    starts = Starts(CollectorRegistry())
    starts.count(now, [])
    sizes = []
    for minute in range(1, 30):
        then = now + timedelta(minutes=minute)
        rows = [("dag", "task", f"run_{minute}_{number}", -1, then, 1.0) for number in range(10)]
        starts.count(then, rows)
        sizes.append(len(starts._seen))
        assert starts.since == then - OVERLAP
    print(sizes)
    assert max(sizes) == 30
