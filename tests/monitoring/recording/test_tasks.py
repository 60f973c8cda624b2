"""Quantiles, shares and rates of tasks, also of those that nobody saw begin."""

from __future__ import annotations

import pytest

from monitoring.options import Options
from tests.monitoring.recording.unit import Evaluate

UP = {'up{job="statsd-exporter"}': "1x80", 'up{job="airflow-exporter"}': "1x80"}
BOUNDS = ("10", "20", "30", "60", "+Inf")


def started(counts: dict[str, str], dag_id: str = "etl") -> dict[str, str]:
    """Return the buckets of queue-to-start, cumulative as they come."""
    of = f'job="airflow-exporter", dag_id="{dag_id}"'
    return {
        f'updraft_task_queue_to_start_seconds_bucket{{{of}, le="{bound}"}}': values
        for bound, values in counts.items()
    }


def test_quantiles_are_of_all_dags_and_of_each(evaluate: Evaluate) -> None:
    soon = started(dict.fromkeys(BOUNDS, "0x20 100x60"), "soon")
    late = started(
        {"10": "0x20 0x60", "20": "0x20 0x60", **dict.fromkeys(BOUNDS[2:], "0x20 100x60")}, "late"
    )
    name = "updraft_dag:task_start_seconds:p50"
    evaluate(Options()).expect(
        {**UP, **soon, **late},
        "6m",
        {
            name: {'{dag_id="soon"}': 5, '{dag_id="late"}': 25},
            "updraft:task_start_seconds:p50": {"{}": 10},
        },
    )


def test_where_nothing_happens_there_is_no_quantile_and_no_share(evaluate: Evaluate) -> None:
    still = started(dict.fromkeys(BOUNDS, "100x80"))
    evaluate(Options()).expect(
        {**UP, **still},
        "15m",
        {
            "updraft_dag:task_start_seconds:p99": {},
            "updraft_dag:task_start_in_time:ratio5m": {},
            "updraft:tasks_started:rate5m": {"{}": 0},
        },
    )


@pytest.mark.parametrize("bound", ["30", "30.0"])
def test_the_share_in_time_is_found_however_the_bound_is_written(
    evaluate: Evaluate, bound: str
) -> None:
    counts = {"10": "0x20 50x60", bound: "0x20 75x60", "+Inf": "0x20 100x60"}
    name = "updraft_dag:task_start_in_time:ratio5m"
    evaluate(Options()).expect({**UP, **started(counts)}, "6m", {name: {'{dag_id="etl"}': 0.75}})


def test_a_counter_that_is_born_with_many_counts_them_all_once(evaluate: Evaluate) -> None:
    # A fan-out of 40 that began and ended between two scrapes.
    of = '{job="statsd-exporter", dag_id="etl", task_id="load", state="success"}'
    total = "sum(sum_over_time(updraft:tasks_finished:rate5m[15m:1m])) * 60"
    evaluate(Options()).expect(
        {**UP, f"airflow_ti_finish{of}": "_x24 40x56"}, "18m", {total: {"{}": 40}}
    )


def test_a_counter_that_begins_anew_counts_no_more_than_came(evaluate: Evaluate) -> None:
    # The exporter was restarted: 30 before, 10 after.
    of = '{job="statsd-exporter", dag_id="etl", task_id="load", state="success"}'
    total = "sum(sum_over_time(updraft:tasks_finished:rate5m[9m30s:1m])) * 60"
    evaluate(Options()).expect(
        {**UP, f"airflow_ti_finish{of}": "30x39 10x40"}, "18m", {total: {"{}": 10}}
    )


def test_what_was_counted_before_anybody_looked_is_not_told_as_new(evaluate: Evaluate) -> None:
    of = '{job="statsd-exporter", dag_id="etl", task_id="load", state="success"}'
    total = "sum(sum_over_time(updraft:tasks_finished:rate5m[15m:1m])) * 60"
    evaluate(Options()).expect(
        {**UP, f"airflow_ti_finish{of}": "500x80"}, "18m", {total: {"{}": 0}}
    )


def test_runs_are_told_by_how_they_ended(evaluate: Evaluate) -> None:
    of = '{job="statsd-exporter", dag_id="etl", run_type="manual"}'
    name = "updraft_dag:runs_finished:rate5m"
    evaluate(Options()).expect(
        {
            **UP,
            f"airflow_dagrun_duration_success_count{of}": "0x20 3x60",
            f"airflow_dagrun_duration_failed_count{of}": "0x20 6x60",
        },
        "6m",
        {
            name: {
                '{dag_id="etl", state="success"}': 0.01,
                '{dag_id="etl", state="failed"}': 0.02,
            }
        },
    )
