"""Alertmanager's configuration: who is told of what, together with what, and what is kept quiet.

Secrets are read from files, so the configuration holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from monitoring.options import Options
from monitoring.rules.model import scaled

Config = dict[str, Any]
Kind = Literal["webhook", "slack", "pagerduty", "email"]
Severity = Literal["page", "ticket", "watchdog"]

# What alerts go to that nobody has asked for; each alert shows it as its receiver.
NOBODY: Final = "nobody"

_ROUTES: Final[Mapping[Severity, str]] = {
    "page": 'severity="page"', "ticket": 'severity="ticket"', "watchdog": 'severity="none"',
}  # fmt: skip
_TITLE: Final = (
    "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}"
    "{{ if gt (len .Alerts) 1 }} ({{ len .Alerts }}){{ end }} on {{ .CommonLabels.cluster }}"
)
_TEXT: Final = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}"
    " <{{ .Annotations.runbook_url }}|Runbook>\n{{ end }}"
)
# Its receiver misses a sign of life after a few of them.
_LIFE_EVERY: Final = "5m"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told.

    Args:
        name: By what they are told.
        secrets: Folder where a file of that name holds the secret: a webhook's or Slack's address,
            PagerDuty's routing key, the mail server's password.
        severities: Of what; watchdog is the sign of life, repeated every five minutes.
        channel: Of Slack.
        to: Mailbox.
        sender: Of mail.
        smarthost: Mail server and port.
        username: At the mail server.
    """

    name: Kind
    secrets: str
    severities: Sequence[Severity] = ("page", "ticket")
    channel: str = ""
    to: str = ""
    sender: str = ""
    smarthost: str = ""
    username: str = ""

    @property
    def file(self) -> str:
        """Return the path of the file with the secret."""
        return f"{self.secrets}/{self.name}"


def config(options: Options, receivers: Sequence[Receiver]) -> Config:
    """Return alertmanager.yml; every wait is multiplied by time_scale."""
    told: dict[Severity, list[Receiver]] = {
        severity: [receiver for receiver in receivers if severity in receiver.severities]
        for severity in _ROUTES
    }
    return {
        "route": {
            "receiver": NOBODY,
            # A hundred DAGs that fail are a message a team, not a hundred.
            "group_by": ["alertname", "namespace", "team"],
            "group_wait": scaled("30s", options),
            "group_interval": scaled("5m", options),
            "repeat_interval": scaled("4h", options),
            "routes": [
                _route(severity, severity if told[severity] else NOBODY, options)
                for severity in _ROUTES
            ],
        },
        "inhibit_rules": _inhibitions(),
        "receivers": [
            {"name": NOBODY},
            *(_receiver(severity, group) for severity, group in told.items() if group),
        ],
    }


def _route(severity: Severity, receiver: str, options: Options) -> Config:
    route: Config = {"matchers": [_ROUTES[severity]], "receiver": receiver}
    waits: dict[Severity, dict[str, str]] = {
        "page": {"group_wait": "10s"},
        "ticket": {"group_wait": "1m", "repeat_interval": "24h"},
        "watchdog": {
            "group_wait": "1s", "group_interval": "1m", "repeat_interval": _LIFE_EVERY,
        },
    }  # fmt: skip
    return route | {name: scaled(wait, options) for name, wait in waits[severity].items()}


def _receiver(severity: Severity, receivers: Sequence[Receiver]) -> Config:
    made: Config = {"name": severity}
    for receiver in receivers:
        integration = _INTEGRATIONS[receiver.name](receiver)
        integration["send_resolved"] = severity != "watchdog"
        made.setdefault(f"{receiver.name}_configs", []).append(integration)
    return made


def _webhook(receiver: Receiver) -> Config:
    return {"url_file": receiver.file}


def _slack(receiver: Receiver) -> Config:
    return {
        "api_url_file": receiver.file,
        "channel": receiver.channel,
        "title": _TITLE,
        "text": _TEXT,
    }


def _pagerduty(receiver: Receiver) -> Config:
    return {
        "routing_key_file": receiver.file,
        "description": "{{ .CommonLabels.alertname }}: {{ (index .Alerts 0).Annotations.summary }}",
        "links": [{"href": "{{ (index .Alerts 0).Annotations.runbook_url }}", "text": "Runbook"}],
    }


def _email(receiver: Receiver) -> Config:
    return {
        "to": receiver.to,
        "from": receiver.sender,
        "smarthost": receiver.smarthost,
        "auth_username": receiver.username,
        "auth_password_file": receiver.file,
        "headers": {"Subject": _TITLE},
    }


_INTEGRATIONS: Final[Mapping[Kind, Callable[[Receiver], Config]]] = {
    "webhook": _webhook, "slack": _slack, "pagerduty": _pagerduty, "email": _email,
}  # fmt: skip


def _inhibitions() -> list[Config]:
    """Return which alerts silence which: who is told of a cause need not hear of what follows."""

    def silences(cause: Sequence[str], follows: Sequence[str], *equal: str) -> Config:
        return {
            "source_matchers": list(cause),
            "target_matchers": list(follows),
            "equal": ["cluster", *equal],
        }

    def alert(names: str) -> str:
        return f'alertname=~"{names}"'

    stands_still = "control-plane|parsing|scheduling|outcomes|triggers|slo"
    return [
        silences(
            [alert("AirflowDatabaseDown")],
            [f'area=~"{stands_still}"', 'alertname!="AirflowDatabaseDown"'],
        ),
        # Tasks can't begin or report without it, and then are taken for dead.
        silences([alert("AirflowApiServerDown")], ['area=~"scheduling|outcomes|slo"']),
        silences(
            [alert("AirflowSchedulerDown")],
            ['area=~"scheduling|slo"'],
        ),
        silences(
            [alert("AirflowSchedulerDown|AirflowStatsdExporterDown")], [alert("AirflowNoMetrics")]
        ),
        silences([alert("AirflowTaskFailuresEverywhere")], [alert("AirflowTaskFailureRatioHigh")]),
        silences(
            [alert("AirflowQuotaFull")],
            [alert("AirflowQuotaNearlyFull")],
            "namespace", "resource",
        ),
        silences(
            [alert("AirflowTargetDown"), 'job="loki"'],
            [alert("AirflowLokiErrors|AirflowLogsDelayed|AirflowLogDeliveryBudgetBurn")],
        ),
        silences(['severity="page"', 'slo!=""'], ['severity="ticket"', 'slo!=""'], "slo"),
    ]  # fmt: skip
