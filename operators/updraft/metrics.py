"""The metrics that Updraft's own code sends, each named once, with its unit and its tags."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats


class Metric(StrEnum):
    """A metric's name as StatsD has it; rules and dashboards use the same.

    Example:
        >>> str(Metric.TRANSFER_ROWS)
        'updraft.transfer.rows'
    """

    # Counters, in rows and in bytes; tags dag_id, task_id.
    TRANSFER_ROWS = "updraft.transfer.rows"
    TRANSFER_BYTES = "updraft.transfer.bytes"
    # A timing; tags dag_id, task_id.
    TRANSFER_DURATION = "updraft.transfer.duration"
    # A counter of checks; tags dag_id, task_id, check (its kind), result (passed, warned, failed).
    QUALITY_CHECKS = "updraft.quality.checks"
    # A counter of rows; tags dag_id, task_id.
    QUALITY_QUARANTINED = "updraft.quality.quarantined"
    # A counter of records; tags dag_id, task_id.
    POISON_RECORDS = "updraft.poison.records"
    # A counter of times that a circuit breaker opened; tag source.
    CIRCUIT_OPENED = "updraft.circuit.opened"
    # A counter of missed deadlines; tags dag_id, deadline.
    DEADLINE_MISSED = "updraft.deadline.missed"
    # A counter of messages to people; tags kind (failure, deadline), result (sent, failed).
    NOTIFICATIONS = "updraft.notifications"


def initialize() -> None:
    """Let metrics go where [metrics] of airflow.cfg says, from wherever this runs.

    Airflow does so in a task's process alone; a callback's, in the DAG processor or the triggerer,
    has to do it itself, or what it counts is lost.
    """
    from airflow.sdk.observability.metrics import stats_utils  # noqa: PLC0415 -- only for callbacks

    stats.initialize(
        factory=stats_utils.get_stats_factory(),
        export_legacy_names=conf.getboolean("metrics", "legacy_names_on"),
    )


def count(metric: Metric, amount: int = 1, **tags: str) -> None:
    """Add to a counter.

    Args:
        metric: Which.
        amount: How much, in the metric's unit.
        tags: The tags that the metric's comment lists.
    """
    stats.incr(metric, amount, tags=tags)


def duration(metric: Metric, seconds: float, **tags: str) -> None:
    """Record how long something took.

    Args:
        metric: Which.
        seconds: How long.
        tags: The tags that the metric's comment lists.
    """
    stats.timing(metric, timedelta(seconds=seconds), tags=tags)
