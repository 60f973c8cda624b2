"""The library's DAGs and the package's promises, on the real cluster with real databases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.arrival import wait_for_dag
from infra.cli.examples import EXAMPLES, ExampleDatabase
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.root import ROOT
from tests import howto
from tests.cluster import receiver, support
from tests.cluster.support import Ledger
from tests.waiting import wait_for

# As many as the library promises to manage.
ITEMS, PODS = 100_000, 60


@pytest.fixture(scope="module")
def databases(platform: Platform) -> dict[str, ExampleDatabase]:
    """The shop and the warehouse, as make examples makes them."""
    print(support.command("examples"))
    return {name: ExampleDatabase(platform, name) for name in EXAMPLES}


def names_of(api: AirflowApi, report: RunReport, task_id: str) -> list[str]:
    """What the UI calls the task's mapped instances."""
    path = f"dags/{report.dag_id}/dagRuns/{report.run_id.replace('+', '%2B')}/taskInstances"
    rows = api.pages(path, "task_instances")
    return sorted(row["rendered_map_index"] for row in rows if row["task_id"] == task_id)


@pytest.mark.fills("a transfer between databases")
def test_custom_data_moves_a_table_between_two_databases(
    platform: Platform, api: AirflowApi, databases: dict[str, ExampleDatabase]
) -> None:
    report = support.run(platform, api, "custom_data", rows=20_000)
    assert report.state == "success"
    query = "SELECT count(*), sum(hashtext(customers::text)::bigint) FROM customers"
    [source], [target] = (databases[name].sql(query) for name in EXAMPLES)
    print(source, target)
    assert source == target
    assert source[0] == "20000"


@pytest.mark.slow(group="wide")
@pytest.mark.fills("a quality check that finds bad rows")
def test_a_night_is_published_and_starts_the_report(
    platform: Platform, api: AirflowApi, databases: dict[str, ExampleDatabase]
) -> None:
    wait_for_dag(api, "reporting", print)
    api.unpause("reporting")
    report = support.run(platform, api, "warehouse_nightly", orders=3_000, bad_orders=3)
    assert report.state == "success"
    warehouse = databases["warehouse"]
    published = warehouse.sql("SELECT day, orders FROM mart.daily_sales ORDER BY 1, 2")
    quarantined = warehouse.sql("SELECT count(*) FROM quarantine.orders")
    print(published, quarantined, names_of(api, report, "load_dimension.copy"))
    assert sum(int(orders) for _, orders in published) == 3_000 - 3
    assert quarantined == [["3"]]
    assert names_of(api, report, "load_dimension.copy") == ["customers", "products"]
    assert warehouse.sql("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'nightly%'") == []

    def reported() -> bool:
        return [run["state"] for run in api.runs("reporting")] == ["success"]

    wait_for(reported, support.RUN_TIMEOUT, "the report of the new day")
    assert warehouse.sql("SELECT orders FROM mart.report") == [["2997"]]


@pytest.mark.slow(group="wide")
def test_a_backfill_loads_each_order_once(
    platform: Platform, api: AirflowApi, databases: dict[str, ExampleDatabase]
) -> None:
    stretch = {"start": "2026-01-01", "end": "2026-02-01", "every": "week", "orders": 100}
    report = support.run(platform, api, "backfill_partitions", **stretch)
    assert report.state == "success"
    query = (
        "SELECT count(*), count(DISTINCT id) FROM orders"
        " WHERE placed_at >= '2026-01-01' AND placed_at < '2026-02-01'"
    )
    [found] = databases["warehouse"].sql(query)
    assert found == ["3100", "3100"]
    assert names_of(api, report, "load")[0] == "2026-01-01"


@pytest.mark.slow(group="wide")
def test_a_stress_holds_its_memory_in_as_many_pods_as_asked(
    platform: Platform, api: AirflowApi
) -> None:
    report = support.run(platform, api, "fanout_stress", width=6, seconds=2, memory=128)
    assert report.state == "success"
    peaks = platform.watcher(api).peaks(report)
    held = {key: peak for key, peak in peaks.items() if key[0] == "load"}
    print(held)
    assert len(held) == 6
    assert min(held.values()) > 200 * 1024 * 1024, "the interpreter's own and 128 MiB"


@pytest.mark.usefixtures("platform")
def test_the_last_step_of_the_how_to_works(tmp_path: Path) -> None:
    page = ROOT / "docs" / "howto" / "write-test-push.md"
    done = howto.follow(page, tmp_path, cluster=True)
    assert done == ["make examples", "make push-dags", "make trigger DAG=count_rows"]


@pytest.mark.slow(group="wide")
@pytest.mark.usefixtures("pushed")
def test_many_items_are_recorded_once_each_though_a_pod_is_killed(
    platform: Platform, api: AirflowApi, ledger: Ledger
) -> None:
    ledger.sql("SET ROLE ledger; CREATE TABLE items (run_id text, batch integer, item integer)")
    report = support.start(api, "many_items", items=ITEMS, pods=PODS)
    began = datetime.now(UTC)
    recorded = "SELECT count(*) FROM items WHERE batch = 0"

    def first_batch_is_recorded() -> bool:
        return ledger.sql(recorded) != [["0"]]

    wait_for(first_batch_is_recorded, support.RUN_TIMEOUT, "the rows of the first batch")
    platform.watcher(api).look(report)
    victim = report.pods["record", 0, support.FIRST_TRY].name
    where = ("-n", platform.tasks_namespace, "--grace-period=0", "--force")
    platform.kubectl.run("delete", "pod", victim, *where)
    support.finish(platform, api, report)
    seconds = (datetime.now(UTC) - began).total_seconds()
    pods = {key: pod.name for key, pod in report.pods.items() if key[0] == "record"}
    [found] = ledger.sql("SELECT count(*), count(DISTINCT item), min(item), max(item) FROM items")
    tries = sorted({key[2] for key in pods})
    print(f"{found} by {len(set(pods.values()))} pods in {seconds:.0f} s, tries {tries}")
    assert report.state == "success", report.counts()
    assert found == [str(ITEMS), str(ITEMS), "0", str(ITEMS - 1)]
    assert ("record", 0, 2) in pods, "the killed pod's batch was not tried again"
    assert PODS < len(set(pods.values())) < 2 * PODS


@pytest.mark.usefixtures("pushed")
def test_a_missed_deadline_and_a_failure_are_told_to_a_webhook(
    platform: Platform, api: AirflowApi
) -> None:
    with receiver.running(platform) as address:
        api.put_connection(receiver.NAME, conn_type="http", password=address)
        report = support.run(platform, api, "late")
        assert report.state == "failed"

        def told() -> dict[str, dict[str, object]]:
            messages = {each["kind"]: each for each in receiver.received(platform)}
            return messages if messages.keys() == {"deadline", "failure"} else {}

        messages = wait_for(told, 120, "a message of the failure and one of the deadline")
        api.delete_connection(receiver.NAME)
    print(messages)
    assert messages["deadline"]["deadline"] == "too-soon"
    assert messages["failure"]["task_id"] == "fail"
    assert {message["run_id"] for message in messages.values()} == {report.run_id}
    assert str(messages["failure"]["url"]).startswith(platform.ui_address)
    # A callback of the wrong kind would have ended the scheduler's loop.
    pods = platform.kubectl.items("pods", "-n", platform.namespace, "-l", "component=scheduler")
    assert [state["restartCount"] for state in pods[0]["status"]["containerStatuses"]] == [0] * len(
        pods[0]["status"]["containerStatuses"]
    )
