"""PromQL that several recording rules are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from monitoring.options import Options
from monitoring.rules.events import STATSD, airflow, grown
from monitoring.rules.model import Record, seconds, spelled

# What rates of events are taken over; part of their names.
WINDOW: Final = "5m"

# The job of what reads Airflow's database, and the matcher of its series.
EXPORTER_JOB: Final = "airflow-exporter"
EXPORTER: Final = f'job="{EXPORTER_JOB}"'


def text(value: str) -> str:
    """Return a string as PromQL has it."""
    return json.dumps(value, ensure_ascii=False)


def short_window(options: Options) -> str:
    """Return the shortest range whose rate outlives a missed scrape."""
    return spelled(max(60, 4 * seconds(options.scrape_interval)))


def statsd_rate(metric: str, *labels: str) -> str:
    """Return the events a second of a counter of Airflow's, by labels."""
    return young_rate(airflow(metric), STATSD, *labels)


def young_rate(series: str, job: str, *labels: str) -> str:
    """Return the events a second of counters that may be born with many.

    To `rate` the first fan-out of a new DAG is nothing, since nobody saw the counter at 0.
    """
    return f"{grown(series, WINDOW, job, ', '.join(labels))} / {seconds(WINDOW)}"


def statsd_gauge(metric: str, *labels: str) -> str:
    """Return a gauge of Airflow's, by labels."""
    return f"max{by(labels)} ({airflow(metric)})"


def by(labels: Sequence[str]) -> str:
    """Return an aggregation's clause."""
    return f" by ({', '.join(labels)})" if labels else ""


def quantile(share: float, buckets: str) -> str:
    """Return a quantile of rates of buckets; no series where nothing happened."""
    # A quantile of nothing is NaN, which no comparison holds for.
    return f"histogram_quantile({share}, {buckets}) >= 0"


def distribution(name: str, buckets: str, shares: Sequence[int]) -> list[Record]:
    """Return the rates of a histogram's buckets and, from these, its quantiles.

    Args:
        name: Level and metric, such as "updraft:loop_seconds".
        buckets: The rates, with the label le.
        shares: Of the quantiles, in percent.
    """
    return [Record(f"{name}_bucket:rate{WINDOW}", buckets), *quantiles(name, shares)]


def quantiles(name: str, shares: Sequence[int]) -> list[Record]:
    """Return quantiles of the rates of buckets that are recorded before."""
    recorded = f"{name}_bucket:rate{WINDOW}"
    return [Record(f"{name}:p{share}", quantile(share / 100, recorded)) for share in shares]
