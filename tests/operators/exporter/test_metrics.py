"""What the exporter tells is what the database has."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.metric_names import EXPORTER, series
from tests.operators.exporter.conftest import Airflow
from tests.operators.exporter.reading import Numbers, shown
from updraft.exporter.database import Database
from updraft.exporter.exporter import Exporter


def polled(airflow: Airflow) -> Numbers:
    exporter = Exporter(Database(airflow.database.uri))
    exporter.poll()
    found = shown(exporter)
    print(*sorted(found.items()), sep="\n")
    return found


def test_tasks_are_counted_by_state_and_the_oldest_in_the_queue_is_aged(airflow: Airflow) -> None:
    now = airflow.now()
    for seconds in (5, 90, 10):
        airflow.task("queued", queued_dttm=now - timedelta(seconds=seconds))
    airflow.task("running", queued_dttm=now - timedelta(hours=1))
    airflow.task(None)
    airflow.task("success")
    found = polled(airflow)
    states = found["updraft_task_instances"]
    assert (states["queued",], states["running",], states["none",]) == (3, 1, 1)
    assert states["scheduled",] == 0
    assert ("success",) not in states
    assert 90 <= found["updraft_oldest_queued_seconds"][()] < 120


def test_pools_are_counted_as_airflow_counts_them(airflow: Airflow) -> None:
    for pool, slots, deferred in (("a", 10, True), ("b", 4, False), ("endless", -1, False)):
        airflow.sql(
            "INSERT INTO slot_pool (pool, slots, include_deferred) VALUES (%s, %s, %s)",
            pool, slots, deferred,
        )  # fmt: skip
        for state, each in (("running", 2), ("queued", 1), ("deferred", 3), ("scheduled", 9)):
            airflow.task(state, pool=pool, pool_slots=each)
    slots_of = polled(airflow)["updraft_pool_slots"]
    assert {state: slots_of["a", state] for state in ("open", "queued", "running", "deferred")} == {
        "open": 4, "queued": 1, "running": 2, "deferred": 3,
    }  # fmt: skip
    assert slots_of["b", "open"] == 1
    assert slots_of["b", "total"] == 4
    assert slots_of["endless", "open"] == float("inf")


def test_components_are_as_young_as_their_latest_heartbeat(airflow: Airflow) -> None:
    for job, state, age in (
        ("SchedulerJob", "running", 3),
        ("SchedulerJob", "running", 12),
        ("SchedulerJob", "failed", 900),
        ("TriggererJob", "running", 300),
    ):
        airflow.sql(
            "INSERT INTO job (job_type, state, latest_heartbeat)"
            " VALUES (%s, %s, now() - make_interval(secs => %s))",
            job, state, age,
        )  # fmt: skip
    found = polled(airflow)
    ages = found["updraft_component_heartbeat_age_seconds"]
    assert 3 <= ages["scheduler",] < 10
    assert 300 <= ages["triggerer",] < 310
    assert ("dag_processor",) not in ages
    assert found["updraft_component_instances"] == {
        ("scheduler",): 2, ("dag_processor",): 0, ("triggerer",): 0,
    }  # fmt: skip


def test_dags_bundles_and_import_errors_are_told(airflow: Airflow) -> None:
    airflow.dag("one")
    airflow.dag("two", paused=True)
    airflow.dag("gone", stale=True)
    airflow.sql("INSERT INTO import_error (filename) VALUES ('a.py'), ('b.py')")
    airflow.sql("INSERT INTO dag_bundle (name, active) VALUES ('new', true), ('old', false)")
    found = polled(airflow)
    assert found["updraft_dags"] == {("true",): 1, ("false",): 1}
    assert found["updraft_import_errors"][()] == 2
    assert found["updraft_dag_bundle_info"] == {("dags", "abc123"): 1}
    assert found["updraft_dag_bundle_refresh_age_seconds"].keys() == {("dags",)}
    assert 40 <= found["updraft_dag_bundle_refresh_age_seconds"]["dags",] < 60


def test_the_database_is_told_by_its_own_statistics(airflow: Airflow) -> None:
    airflow.task("running")
    found = polled(airflow)
    assert found["updraft_database_size_bytes"][()] > 1_000_000
    assert found["updraft_database_connections_max"][()] >= 10
    assert found["updraft_database_transactions_total"].keys() == {("committed",), ("rolled_back",)}
    assert found["updraft_database_blocks_total"]["cache",] > 0
    assert found["updraft_database_deadlocks_total"][()] == 0
    assert len(found["updraft_table_size_bytes"]) == 20
    assert ("task_instance",) in found["updraft_table_dead_rows"]
    assert found["updraft_database_oldest_transaction_seconds"][()] >= 0


def test_a_transaction_left_open_is_aged_and_its_session_counted(airflow: Airflow) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(airflow.database.uri) as left:
        left.execute("SELECT 1")
        left.execute("SELECT pg_sleep(0.2)")
        found = polled(airflow)
    assert found["updraft_database_connections"]["idle in transaction",] == 1
    assert found["updraft_database_oldest_transaction_seconds"][()] >= 0.2


def test_the_metrics_are_those_that_rules_and_dashboards_may_use(airflow: Airflow) -> None:
    airflow.began(1)
    airflow.sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('p', 1, false)")
    airflow.sql("INSERT INTO job (job_type, latest_heartbeat) VALUES ('SchedulerJob', now())")
    exporter = Exporter(Database(airflow.database.uri), "http://127.0.0.1:1")
    exporter.poll()
    airflow.began(1, dag_id="later")
    exporter.poll()
    text = generate_latest(exporter.registry).decode()
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]
    names = {sample.name for sample in samples}
    known = series()
    wanted = {name for name in known if name.startswith("updraft_")}
    # Nobody is connected but the exporter.
    absent = {"updraft_database_connections"}
    print(sorted(wanted ^ names))
    assert len(EXPORTER) > 20
    assert names == wanted - absent
    assert not [each for each in samples if set(each.labels) != known[each.name]]
