"""A part of the platform that is starved, full or slow fires its alert, which resolves after it."""

from __future__ import annotations

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.platform import Platform
from infra.values import names
from tests.cluster import support
from tests.cluster.faults import causes, volume
from tests.cluster.watching import Watch

TRIGGERER, SCHEDULER = f"deployment/{names.TRIGGERER}", f"deployment/{names.SCHEDULER}"
# More would keep the platform itself out of its database.
CONNECTIONS = 80
CONNECTS = f"""
import os, time
import psycopg
address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
held = [psycopg.connect(address) for _ in range({CONNECTIONS})]
print(len(held), flush=True)
time.sleep(75)
"""
LITTLE = {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"cpu": "500m", "memory": "24Mi"}}
# The critical section reads the pools, and little else does.
SLOW = "".join(
    "BEGIN; LOCK TABLE slot_pool IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT;"
    " SELECT pg_sleep(0.2);"
    for _ in range(20)
)

pytestmark = [pytest.mark.slow(group="servers"), pytest.mark.usefixtures("listener")]


@pytest.mark.fires("AirflowDatabaseConnectionsHigh", "AirflowVolumeFilling")
@pytest.mark.fills("a cluster whose volumes have a size of their own")
def test_a_database_whose_connections_are_taken_and_a_volume_that_fills_fire(
    platform: Platform, watch: Watch
) -> None:
    with (
        volume.filled(platform, platform.namespace),
        causes.meanwhile(platform, "exec", *causes.in_dag_processor(platform), CONNECTS),
    ):
        watch.wait_firing("AirflowDatabaseConnectionsHigh", "AirflowVolumeFilling")
    watch.end("AirflowDatabaseConnectionsHigh", "AirflowVolumeFilling")


@pytest.mark.fires("AirflowComponentOutOfMemory", "AirflowCriticalSectionSlow")
def test_a_server_with_too_little_memory_and_a_slow_database_fire(
    platform: Platform, watch: Watch
) -> None:
    """What holds the scheduler up is the database; the server is the exporter."""
    path = "/spec/template/spec/containers/0/resources"
    exporter = (platform, platform.namespace, f"deployment/{names.AIRFLOW_EXPORTER}", path)
    database = ("-n", platform.namespace, f"statefulset/{names.POSTGRESQL}", "-c", "postgresql")
    psql = ("psql", "-q", "-U", "airflow", "-d", "airflow", "-c", SLOW)
    with (
        causes.patched(*exporter, lambda _: LITTLE),
        causes.meanwhile(platform, "exec", *database, "--", *psql),
    ):
        watch.wait_firing("AirflowComponentOutOfMemory", "AirflowCriticalSectionSlow")
    watch.end("AirflowComponentOutOfMemory", "AirflowCriticalSectionSlow")


@pytest.mark.fires("AirflowNoMetrics", "AirflowTriggererFull")
@pytest.mark.fills("a deferred task")
def test_a_scheduler_that_tells_nothing_and_a_triggerer_that_has_no_room_fire(
    platform: Platform, api: AirflowApi, watch: Watch
) -> None:
    with (
        causes.variable(platform, SCHEDULER, "AIRFLOW__METRICS__STATSD_ON", "False"),
        causes.variable(platform, TRIGGERER, "AIRFLOW__TRIGGERER__CAPACITY", "4"),
    ):
        report = support.start(api, "resting")
        watch.wait_firing("AirflowNoMetrics", "AirflowTriggererFull")
    assert causes.finish(platform, api, report) == {"success"}
    watch.end("AirflowNoMetrics", "AirflowTriggererFull")
