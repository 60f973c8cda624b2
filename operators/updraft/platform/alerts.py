"""The alerts that fire, as Alertmanager has them; of the DAGs that the viewer may read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from updraft.platform import runbooks
from updraft.platform.panels import Question
from updraft.platform.servers import ALERTMANAGER

# Fires always: where it does not, no other alert would arrive either.
WATCHDOG = "Watchdog"
_SEVERITIES = ("critical", "page", "warning", "ticket", "info")


async def alerts(question: Question) -> dict[str, Any]:
    """Return the alerts that are neither silenced nor inhibited, the gravest first.

    Raises:
        UpdraftError: The viewer may not see them, or Alertmanager does not answer.
    """
    await question.viewer.require_platform()
    found = await ALERTMANAGER.ask(
        "api/v2/alerts", active="true", silenced="false", inhibited="false"
    )
    readable = await question.viewer.dags()
    named = [each for each in found if each["labels"].get("alertname") != WATCHDOG]
    shown = [each for each in named if each["labels"].get("dag_id", "") in {"", *readable}]
    rows = sorted((_row(each) for each in shown), key=_order)
    return {
        "rows": rows,
        "hidden": len(named) - len(shown),
        "watchdog": len(named) < len(found),
        "stats": [
            {
                "label": severity,
                "value": sum(1 for row in rows if row["severity"] == severity),
                "unit": "alerts",
                "of": None,
            }
            for severity in dict.fromkeys(row["severity"] for row in rows)
        ],
    }


def _row(alert: Mapping[str, Any]) -> dict[str, Any]:
    labels, annotations = alert["labels"], alert.get("annotations", {})
    return {
        "name": labels.get("alertname", ""),
        "severity": labels.get("severity", "none"),
        "summary": annotations.get("summary") or annotations.get("description", ""),
        "since": round(datetime.fromisoformat(alert["startsAt"]).timestamp() * 1000),
        "runbook": _runbook(annotations.get("runbook_url", "")),
    }


def _runbook(address: str) -> str:
    """Return where the page links to: nothing but a web address, or a page of this platform."""
    if not address.startswith(("https://", "http://")):
        return ""
    return runbooks.own(address) or address


def _order(row: Mapping[str, Any]) -> tuple[int, int]:
    severity = row["severity"]
    place = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return place, -row["since"]
