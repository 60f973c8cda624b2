"""Service level objectives: error ratios, what is left of the budgets, and how fast they burn.

Each objective counts events and bad events. Both are recorded once an interval as what has come
since the last one, so a window is a plain sum: it sees first events, and outlives restarts.

time_scale multiplies the interval and every window, those of alerts included, in whole seconds
and never below a scrape interval, for a window two. Names keep the windows of the shipped platform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitoring.options import Options
from monitoring.rules.events import STATSD, airflow, grown
from monitoring.rules.model import Alert, Group, Record, Severity, seconds, window

WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
PERIOD: Final = "30d"
_INTERVAL: Final = "1m"
_EVENTS: Final = "slo:events:increase1m"
_SHARE: Final = "slo:objective:ratio"
_BAD: Final = "slo:bad_events:increase1m"
# All bad is a ratio of 1: a burn rate that no ratio reaches must not make an alert mute.
_HIGHEST_RATIO: Final = 0.95


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget may burn before somebody is told.

    Args:
        rate: 1 spends a budget in exactly its period.
        long: The window that says that it matters.
        short: The window that says that it goes on.
        severity: Who is told.
    """

    rate: float
    long: str
    short: str
    severity: Severity


# Of a period of 30 days: 2 % of the budget in an hour, 5 % in six, 10 % in a day and in three.
BURNS: Final = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise.

    Args:
        name: Label slo of its series.
        alert: Name of its alerts.
        share: Of events that have to be good.
        events: Counters of all events; sum of selectors.
        job: Whose counters they are.
        few: So few events say nothing, however bad.
        what: What a bad event is, for people.
        step: What to do first.
        bad: Counters of bad events; or
        good: the counter of good ones.
    """

    name: str
    alert: str
    share: float
    events: Sequence[str]
    job: str
    few: int
    what: str
    step: str
    bad: Sequence[str] = ()
    good: str = ""


def objectives(options: Options) -> tuple[Objective, ...]:
    """Return the objectives of a platform."""
    return _task_start(options), _run_success(options), _on_time(options), _log_delivery(options)


def _task_start(options: Options) -> Objective:
    soon = options.task_start_seconds
    exporter = "airflow-exporter"
    starts = f'updraft_task_queue_to_start_seconds_bucket{{job="{exporter}", le='
    return Objective(
        name="task-start",
        alert="AirflowTaskStartBudgetBurn",
        share=options.slo_task_start,
        events=[f'{starts}"+Inf"}}'],
        # Prometheus 3 writes a bound as 30.0, and 2 as 30.
        good=f'{starts}~"{soon}([.]0)?"}}',
        job=exporter,
        few=10,
        what=f"tasks began more than {soon} s after they were queued",
        step="See whether pods wait for quota, nodes or images: dashboard updraft-pods.",
    )


def _run_success(options: Options) -> Objective:
    failed = airflow("dagrun_duration_failed_count")
    return Objective(
        name="run-success",
        alert="AirflowRunSuccessBudgetBurn",
        share=options.slo_run_success,
        events=[airflow("dagrun_duration_success_count"), failed],
        bad=[failed],
        job=STATSD,
        few=10,
        what="runs failed",
        step="See which DAGs, and what their failures share: dashboard updraft-dags.",
    )


def _on_time(options: Options) -> Objective:
    missed = airflow("deadline_alerts_deadline_missed")
    return Objective(
        name="on-time",
        alert="AirflowOnTimeBudgetBurn",
        share=options.slo_on_time,
        events=[missed, airflow("deadline_alerts_deadline_not_missed")],
        bad=[missed],
        job=STATSD,
        few=10,
        what="runs with a deadline missed it",
        step="See whether their tasks wait or run long: dashboard updraft-dags.",
    )


def _log_delivery(options: Options) -> Objective:
    collector = "collector"
    sent, *lost = (
        f'otelcol_{name}_log_records_total{{job="{collector}"}}'
        for name in (
            "exporter_sent", "exporter_send_failed", "exporter_enqueue_failed", "receiver_refused",
        )
    )  # fmt: skip
    return Objective(
        name="log-delivery",
        alert="AirflowLogDeliveryBudgetBurn",
        share=options.slo_log_delivery,
        events=[sent, *lost],
        bad=lost,
        job=collector,
        few=1000,
        what="log lines did not reach Loki",
        step=f"Look at Loki and `kubectl -n {options.monitoring} logs daemonset/collector`.",
    )


def groups(options: Options) -> list[Group]:
    """Return the recording rules and alerts of every objective."""
    counted = [rule for each in objectives(options) for rule in _counts(each, options)]
    ratios = [
        Record(f"slo:error_ratio:ratio{name}", _ratio(window(name, options))) for name in WINDOWS
    ]
    alerts = [_alert(each, burn, options) for each in objectives(options) for burn in BURNS]
    # Alerts come after what they read, in one group, lest they see the last evaluation's.
    return [
        Group("airflow-slo", [*counted, *ratios, *alerts], _INTERVAL),
        Group("airflow-slo-budget", _budgets(options), "5m"),
    ]


def least_events(objective: Objective, burn: Burn) -> int:
    """Return of how few events in the long window nobody is told.

    It takes two bad ones at least, or every lone failure at night would wake somebody.
    """
    return max(objective.few, math.ceil(2 / threshold(objective, burn)))


def threshold(objective: Objective, burn: Burn) -> float:
    """Return the error ratio from which on a budget burns too fast."""
    return round(min(burn.rate * (1 - objective.share), _HIGHEST_RATIO), 6)


def period(options: Options) -> str:
    """Return what a budget is for: 30 days, or as long as Prometheus remembers."""
    return min(PERIOD, options.metrics_retention, key=seconds)


def _counts(objective: Objective, options: Options) -> list[Record]:
    interval = window(_INTERVAL, options, scrapes=1)

    def total(series: Sequence[str]) -> str:
        # One that was never counted is nothing.
        return " + ".join(
            f"({grown(each, interval, objective.job)} or vector(0))" for each in series
        )

    labels = {"slo": objective.name}
    bad = total(objective.bad)
    if objective.good:
        # A missing bucket is no reason to call every event bad.
        bad = f"{total(objective.events)} - {grown(objective.good, interval, objective.job)}"
    return [Record(_EVENTS, total(objective.events), labels), Record(_BAD, bad, labels)]


def _ratio(over: str) -> str:
    return f"sum_over_time({_BAD}[{over}]) / (sum_over_time({_EVENTS}[{over}]) > 0)"


def _budgets(options: Options) -> list[Record]:
    shares = [
        Record(_SHARE, f"vector({each.share})", {"slo": each.name}) for each in objectives(options)
    ]
    ratio = _ratio(window(period(options), options))
    return [*shares, Record("slo:error_budget_left:ratio", f"1 - ({ratio}) / (1 - {_SHARE})")]


def _alert(objective: Objective, burn: Burn, options: Options) -> Alert:
    which = f'{{slo="{objective.name}"}}'
    ratio = threshold(objective, burn)
    events = f"sum_over_time({_EVENTS}{which}[{window(burn.long, options)}])"
    return Alert(
        name=objective.alert,
        expr=f"slo:error_ratio:ratio{burn.long}{which} > {ratio}"
        f" and slo:error_ratio:ratio{burn.short}{which} > {ratio}"
        f" and {events} >= {least_events(objective, burn)}",
        for_="0s",
        severity=burn.severity,
        component="slo",
        summary=f"{{{{ $value | humanizePercentage }}}} of {objective.what} ({burn.long}).",
        description=f"The budget of {objective.name}, {_percent(1 - objective.share)}, burns"
        f" {burn.rate:g} times faster than it may, over {burn.long} and still over {burn.short}."
        f" {objective.step}",
        labels={"slo": objective.name, "long": burn.long, "short": burn.short},
    )


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
