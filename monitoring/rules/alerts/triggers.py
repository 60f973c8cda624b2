"""Alerts on the triggerer, where deferred tasks wait."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group


def group(_: Options) -> Group:
    """Return the alerts."""
    running = "sum(updraft_triggerer:triggers_running:max)"
    left = "sum(updraft_triggerer:capacity_left:max)"
    alerts = [
        Alert(
            name="AirflowTriggererBlocked",
            expr=f"updraft:triggers_blocked:increase15m >= {least.TRIGGERS_BLOCKED}",
            for_="0s",
            severity="ticket",
            component="triggerer",
            summary="Triggers blocked the triggerer's thread {{ $value | humanize }} times.",
            description="Meanwhile no other trigger ran, so every deferred task woke late."
            " A trigger calls what is not asynchronous: `make logs LOG=triggerer` says when.",
        ),
        Alert(
            name="AirflowTriggererFull",
            expr=f"{running} / ({running} + {left} > 0) > {least.TRIGGERER_USED}",
            for_="15m",
            severity="ticket",
            component="triggerer",
            summary="{{ $value | humanizePercentage }} of the triggerers' capacity is taken.",
            description="At 100 % triggers wait for others to end, and deadlines with them. Raise"
            " [triggerer] capacity or run one more triggerer.",
        ),
    ]
    return Group("airflow-triggers", alerts)
