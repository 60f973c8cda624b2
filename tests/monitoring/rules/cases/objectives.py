"""Budgets that burn: of each objective at each of its rates, and slower than that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitoring.rules.model import seconds
from monitoring.rules.slo import BURNS, Burn, Objective, least_events, objectives, threshold
from tests.monitoring.rules.unit import OPTIONS, Series, of_airflow, of_collector, of_exporter

# Events a minute, of which some are bad: enough for every window's least number.
EVENTS = 100000


@dataclass(frozen=True)
class BurnCase:
    """An objective and one of its rates."""

    objective: Objective
    burn: Burn

    def __str__(self) -> str:
        return f"{self.objective.name}-{self.burn.rate:g}"

    def series(
        self, ratio: float, begin: int, long: int, events: float = EVENTS, normal: float = EVENTS
    ) -> Series:
        """Return counters whose share of bad events is a ratio for some minutes, and else 0."""
        bad = round(events * ratio, 3)

        def counter(good: float, then: float) -> str:
            before = good * begin
            after = before + then * long
            return (
                f"0+{good:g}x{begin} {before + then:.3f}+{then:.3f}x{long - 1}"
                f" {after + good:.3f}+{good:g}x5000"
            )

        return COUNTERS[self.objective.name](counter, normal, events, bad)

    @property
    def long(self) -> int:
        """The long window, in minutes."""
        return seconds(self.burn.long) // 60

    @property
    def least(self) -> int:
        """The least number of events in it."""
        return least_events(self.objective, self.burn)

    @property
    def threshold(self) -> float:
        """The ratio from which on it burns."""
        return threshold(self.objective, self.burn)


Counter = Callable[[float, float], str]
Made = Callable[[Counter, float, float, float], Series]


def _starts(counter: Counter, normal: float, events: float, bad: float) -> Series:
    name = "updraft_task_queue_to_start_seconds_bucket"
    return {
        of_exporter(name, dag_id="a", le="+Inf"): counter(normal, events),
        of_exporter(name, dag_id="a", le="60.0"): counter(normal, events),
        of_exporter(name, dag_id="a", le="30.0"): counter(normal, events - bad),
    }


def _runs(counter: Counter, normal: float, events: float, bad: float) -> Series:
    run = {"dag_id": "a", "run_type": "scheduled"}
    return {
        of_airflow("dagrun_duration_success_count", **run): counter(normal, events - bad),
        of_airflow("dagrun_duration_failed_count", **run): counter(0, bad),
    }


def _deadlines(counter: Counter, normal: float, events: float, bad: float) -> Series:
    return {
        of_airflow("deadline_alerts_deadline_not_missed", dag_id="a"): counter(
            normal, events - bad
        ),
        of_airflow("deadline_alerts_deadline_missed", dag_id="a"): counter(0, bad),
    }


def _lines(counter: Counter, normal: float, events: float, bad: float) -> Series:
    return {
        of_collector("exporter_sent_log_records_total"): counter(normal, events - bad),
        of_collector("exporter_enqueue_failed_log_records_total"): counter(0, bad / 2),
        of_collector("receiver_refused_log_records_total"): counter(0, bad / 2),
    }


COUNTERS: dict[str, Made] = {
    "task-start": _starts,
    "run-success": _runs,
    "on-time": _deadlines,
    "log-delivery": _lines,
}
CASES = tuple(BurnCase(each, burn) for each in objectives(OPTIONS) for burn in BURNS)
