"""Cost is what pods hold, at the prices of the options, and somebody's."""

from __future__ import annotations

import pytest

from monitoring.options import Options
from tests.monitoring.recording.pods import GIB, running, using
from tests.monitoring.recording.unit import Evaluate

# A core costs 1 a second, a GiB of memory 4.
PRICES = Options(cpu_hour=3600, memory_gib_hour=4 * 3600)
UP = {'up{job="statsd-exporter"}': "1x40"}
SAMPLED = "updraft_dag:cost_per_second:sampled"
TEAM = "updraft_team:cost_per_second:sampled"


@pytest.mark.parametrize(
    ("cpu_used", "memory_used", "cost"),
    [
        # Requested are 0.5 cores and 1 GiB.
        ("0+3x40", GIB // 2, 0.5 + 4),
        ("0+15x40", GIB // 2, 1 + 4),
        ("0+3x40", 2 * GIB, 0.5 + 8),
        ("0+15x40", 2 * GIB, 1 + 8),
    ],
)
def test_a_pod_costs_the_more_of_requested_and_used(
    evaluate: Evaluate, cpu_used: str, memory_used: int, cost: float
) -> None:
    series = {
        **running("p1", "etl", "load"),
        **using("p1", cpu=cpu_used, memory=f"{memory_used}x40"),
    }
    evaluate(PRICES).expect(series, "8m", {SAMPLED: {'{dag_id="etl"}': cost}})


def test_a_pod_that_cadvisor_has_not_seen_costs_its_requests(evaluate: Evaluate) -> None:
    series = running("p1", "etl", "load")
    evaluate(PRICES).expect(series, "8m", {SAMPLED: {'{dag_id="etl"}': 4.5}})


def test_each_dag_is_the_first_team_s_that_claims_it_or_nobody_s(evaluate: Evaluate) -> None:
    names = ("etl.daily", "etl", "report", "other")
    series: dict[str, str] = {}
    for name in names:
        series |= running(f"pod-{name}", name, "load")
    teams = {'the "a$1" team': r"etl\..*", "data": "etl.*|report", "last": "report"}
    options = Options(cpu_hour=3600, memory_gib_hour=4 * 3600, teams=teams)
    evaluate(options).expect(
        series,
        "8m",
        {
            TEAM: {
                r'{team="the \"a$1\" team"}': 4.5,
                '{team="data"}': 9,
                '{team="unassigned"}': 4.5,
            }
        },
    )


def test_pods_shorter_than_a_scrape_cost_their_requests_times_their_durations(
    evaluate: Evaluate,
) -> None:
    # 60 tries of 5 s each, of which Prometheus saw one pod; of `blink` it saw none.
    name = "updraft_task:cost_per_second:durations"
    total = "airflow_task_duration_sum"
    series = {
        **UP,
        **running("p1", "etl", "short", samples=8),
        f'{total}{{job="statsd-exporter", dag_id="etl", task_id="short"}}': "_x24 300x16",
        f'{total}{{job="statsd-exporter", dag_id="etl", task_id="blink"}}': "_x24 600x16",
    }
    evaluate(PRICES).expect(
        series,
        "8m",
        {
            name: {
                '{dag_id="etl", task_id="short"}': 300 / 300 * 4.5,
                # The pods of the others are as good a guess as any.
                '{dag_id="etl", task_id="blink"}': 600 / 300 * 4.5,
            },
            "updraft_task:cost_per_second:sampled": {},
        },
    )


def test_a_task_s_price_is_remembered_for_longer_than_its_pod(evaluate: Evaluate) -> None:
    # Its pod was seen once; what that cost is known when it runs unseen, half an hour later.
    name = "updraft_task:cost_per_second:durations"
    of = 'job="statsd-exporter", dag_id="etl", task_id="short"'
    later = 100
    series = {
        'up{job="statsd-exporter"}': f"1x{later + 200}",
        **running("p1", "etl", "short", samples=8),
        f"airflow_task_duration_sum{{{of}}}": f"_x10 30x{later} 330x100",
    }
    evaluate(PRICES).expect(
        series, "30m", {name: {'{dag_id="etl", task_id="short"}': 300 / 300 * 4.5}}
    )


def test_what_a_range_cost_is_the_price_times_the_time(evaluate: Evaluate) -> None:
    # It was there for four minutes and asked for at each full one after the first.
    series = running("p1", "etl", "load", samples=16)
    spent = f"sum(sum_over_time({SAMPLED}[14m30s:1m])) * 60"
    evaluate(PRICES).expect(series, "15m", {f"{spent} / 4.5 / 60": {"{}": 4}})
