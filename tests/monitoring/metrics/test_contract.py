"""What Airflow and the package send comes out under the names and labels of the table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric as Family

from monitoring.metric_names import STATSD, Metric, exposed_name, series
from tests.monitoring.metrics.conftest import Exporter
from tests.monitoring.metrics.emitted import CALLS, NAMES, Emitted, airflow, emitted
from tests.waiting import wait_for

# What is sent and not kept: the mapping says why.
DROPPED = {"dag_processing.processes", "dagrun.{}.first_task_scheduling_delay"}
# Settings that are off: several teams on one platform, and ids that the client leaves out.
NOT_SENT = {"team_name", "job_id", "run_id", "dagrun_id"}
VALUES = {"dag_id": "sales.eu-west", "task_id": "load.region_1.write", "queue": "default"}
COUNTERS = {"counter": "counter", "gauge": "gauge", "timer": "histogram"}


def registry() -> list[dict[str, Any]]:
    path = airflow() / "_shared/observability/metrics/metrics_template.yaml"
    entries: list[dict[str, Any]] = yaml.safe_load(path.read_text())["metrics"]
    return entries


def labels_of(family: Family) -> set[str]:
    """A family's labels as Prometheus keeps them: an empty one is none."""
    return {
        label
        for sample in family.samples
        for label, value in sample.labels.items()
        if value and label != "le"
    }


def sent() -> list[tuple[str, Emitted]]:
    """What Airflow sends, with the names that its code puts together."""
    return [(name, call) for call in emitted() for name in NAMES.get(call.name, (call.name,))]


def test_the_table_has_each_metric_that_airflows_code_sends_with_its_tags() -> None:
    found = sent()
    print(f"{len(found)} calls")
    wrong = []
    for name, call in found:
        if name in DROPPED:
            continue
        metric = STATSD.get(name)
        tags = set(call.tags) - NOT_SENT
        if metric is None or tags != {*metric.labels, *metric.unused}:
            wrong.append((name, call.where, sorted(tags), metric))
    print(*wrong, sep="\n")
    assert len(found) > 100
    assert not wrong


def test_the_table_has_each_metric_of_airflows_registry() -> None:
    entries = registry()
    examples = {
        "{job_name}_start": "job_start",
        "{job_name}_end": "job_end",
        "{job_name}_heartbeat_failure": "job_heartbeat_failure",
    }
    missing = []
    for entry in entries:
        name = examples.get(entry["name"], entry["name"])
        if name in DROPPED or name == "dag_processing.last_num_of_db_queries.{dag_file}":
            continue
        metric = STATSD.get(name)
        if metric is None or metric.kind != COUNTERS[entry["type"]]:
            missing.append((name, entry["type"], metric))
    print(f"{len(entries)} entries", *missing, sep="\n")
    assert len(entries) > 120
    assert not missing


def test_the_table_has_each_metric_of_the_package(own_airflow: None) -> None:  # noqa: ARG001
    from updraft.metrics import Metric as Own  # noqa: PLC0415 -- imports Airflow

    missing = [str(name) for name in Own if str(name) not in STATSD]
    print(missing)
    assert list(Own)
    assert not missing


def shown(exporter: Exporter, names: set[str]) -> dict[str, Family]:
    """What the exporter shows once it has these metrics."""
    wait_for(lambda: names <= exporter.families().keys(), 20, f"{len(names)} metrics")
    return exporter.families()


def send(name: str, metric: Metric) -> None:
    from airflow._shared.observability.metrics import stats  # noqa: PLC0415

    tags = {key: VALUES.get(key, f"some-{key}") for key in (*metric.labels, *metric.unused)}
    tags |= dict.fromkeys(("job_id", "run_id", "dagrun_id"), "run+1:2")
    if metric.kind == "counter":
        stats.incr(name, 2, tags=tags)
    elif metric.kind == "gauge":
        stats.gauge(name, 7, tags=tags)
    else:
        stats.timing(name, timedelta(seconds=31 / metric.scale), tags=tags)


@pytest.mark.usefixtures("sending")
def test_every_metric_comes_through_the_exporter_as_the_table_says(exporter: Exporter) -> None:
    for name, metric in STATSD.items():
        send(name, metric)
    wanted = {exposed_name(name): metric for name, metric in STATSD.items()}
    families = shown(exporter, set(wanted))
    wrong = []
    for name, metric in wanted.items():
        family = families[name]
        first = {sample.name: sample.value for sample in family.samples}
        # The parser gives each counter the suffix that the exporter's text has not.
        suffix = {"histogram": "_sum", "counter": "_total", "gauge": ""}[metric.kind]
        value = first.get(f"{name}{suffix}")
        right = {"counter": 2, "gauge": 7, "histogram": 31}[metric.kind]
        if family.type != metric.kind or labels_of(family) != set(metric.labels) or value != right:
            wrong.append((name, family.type, labels_of(family), value, metric))
    print(f"{len(wanted)} metrics", *wrong, sep="\n")
    assert len(wanted) > 120
    assert not wrong
    ours = {name for name in families if name.startswith("airflow_")}
    assert ours == wanted.keys()
    assert {
        f"{name}_bucket" for name, each in wanted.items() if each.kind == "histogram"
    } < series().keys()


@pytest.mark.usefixtures("sending")
def test_a_label_is_the_id_as_it_is_and_names_with_ids_are_dropped(exporter: Exporter) -> None:
    from airflow._shared.observability.metrics import stats  # noqa: PLC0415

    ids = ["a.b-c_d", "group.sub-group.task", "größe", "x" * 250]
    for each in ids:
        stats.incr("ti.start", tags={"dag_id": each, "task_id": "y" * 250})
    stats.timing("dagrun.a.b.first_task_scheduling_delay", timedelta(seconds=1), tags={})
    stats.incr("dag_processing.processes", tags={"file_path": "a.py", "action": "start"})
    stats.decr("dag_processing.processes", tags={"file_path": "a.py", "action": "stop"})
    stats.gauge("executor.open_slots.LocalExecutor", 3, tags={"executor_class_name": "L"})
    stats.gauge("dag_processing.last_num_of_db_queries.sales_eu", 3)
    kwargs = '{"at": "2026-01-01T00:00:00+00:00"}'
    tags = {"dag_id": "a", "path": "m.f", "kwargs": kwargs, "result": "sent @ | #1"}
    stats.incr("deadline_alerts.callback_success", tags=tags)
    wanted = "airflow_deadline_alerts_callback_success"
    families = shown(exporter, {wanted})
    starts = families["airflow_ti_start"].samples
    print(starts)
    assert {sample.labels["dag_id"] for sample in starts} == set(ids)
    assert labels_of(families[wanted]) == {"dag_id"}
    assert families["airflow_executor_open_slots"].samples[0].value == 3
    queries = families["airflow_dag_processing_last_num_of_db_queries"].samples
    assert [sample.labels for sample in queries] == [{"dag_file": "sales_eu"}]
    assert not [name for name in families if re.search("first_task_scheduling|processes", name)]
    # It shows the count of a kind of error once there has been one.
    assert "statsd_exporter_events_actions" in families
    assert "statsd_exporter_events_error" not in families


@pytest.mark.usefixtures("sending")
def test_a_files_parse_time_is_in_seconds(exporter: Exporter) -> None:
    """Airflow sends seconds as if they were milliseconds; when that ends, so must the scale."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from airflow.dag_processing.manager import process_parse_results  # noqa: PLC0415

    process_parse_results(2.5, datetime.now(UTC), 0, "dags", None, relative_fileloc="sales/eu.py")
    name = "airflow_dag_processing_last_duration"
    family = shown(exporter, {name})[name]
    print(family.samples)
    values = {sample.name: sample.value for sample in family.samples}
    assert values[f"{name}_sum"] == 2.5


def test_the_threshold_of_the_objective_is_a_bucket_everywhere() -> None:
    from monitoring.options import Options  # noqa: PLC0415
    from monitoring.statsd import mapping  # noqa: PLC0415

    found: Any = mapping(Options(task_start_seconds=45))
    options = [found["defaults"], *found["mappings"]]
    buckets = [
        each["histogram_options"]["buckets"] for each in options if "histogram_options" in each
    ]
    assert len(buckets) > 10
    assert all(45 in each for each in buckets)


def test_each_call_that_sends_is_known() -> None:
    assert {call.function for call in emitted()} == CALLS
