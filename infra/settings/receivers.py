"""Who gets alerts: webhook, Slack, PagerDuty, mail; each secret given here or in a Secret."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from infra.settings.base import Area
from infra.settings.grammar.addresses import HostAndPort, SecretAddress
from infra.settings.grammar.kubernetes import SecretName
from infra.settings.grammar.text import Line, Mail, Secret

Severity = Literal["page", "ticket", "watchdog"]
Kind = Literal["webhook", "slack", "pagerduty", "email"]


class Receiver(Area):
    """What receivers share."""

    existing_secret: SecretName | None = Field(
        None, description="Secret in the namespace monitoring whose key secret holds it."
    )
    severities: tuple[Severity, ...] = Field(
        ("page", "ticket"), description="Which alerts; watchdog is a sign of life, repeated."
    )

    def secret(self) -> SecretStr | None:
        """Return the secret that is given here; None where a Secret of the cluster has it."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.secret() is None) == (self.existing_secret is None):
            raise ValueError("exactly one of existingSecret and the secret itself")
        return self


class Webhook(Receiver):
    """A service of one's own."""

    url: SecretAddress | None = Field(None, description="Its address (set it with `--secret`).")

    def secret(self) -> SecretStr | None:
        """Return the address."""
        return self.url


class Slack(Receiver):
    """A channel of Slack."""

    api_url: SecretAddress | None = Field(
        None, description="Incoming webhook's address (set it with `--secret`)."
    )
    channel: Line = Field(description="Channel, such as #data-platform.")

    def secret(self) -> SecretStr | None:
        """Return the webhook's address."""
        return self.api_url


class PagerDuty(Receiver):
    """A service of PagerDuty."""

    routing_key: Secret | None = Field(
        None, description="Integration key of Events API v2 (set it with `--secret`)."
    )
    severities: tuple[Severity, ...] = Field(("page",), description="Which alerts.")

    def secret(self) -> SecretStr | None:
        """Return the integration key."""
        return self.routing_key


class Email(Receiver):
    """A mailbox."""

    to: Mail = Field(description="To whom.")
    sender: Mail = Field(description="From whom.")
    smarthost: HostAndPort = Field(
        description="Mail server and port, such as mail.example.com:587."
    )
    username: Line = Field(description="User at the mail server.")
    password: Secret | None = Field(None, description="Password (set it with `--secret`).")

    def secret(self) -> SecretStr | None:
        """Return the password."""
        return self.password


class Receivers(Area):
    """None of them: alerts are seen on the Platform page alone."""

    webhook: Webhook | None = Field(None, description="A webhook.")
    slack: Slack | None = Field(None, description="Slack.")
    pagerduty: PagerDuty | None = Field(None, description="PagerDuty.")
    email: Email | None = Field(None, description="Mail.")

    def named(self) -> dict[Kind, Receiver]:
        """Return those that are set, by their names."""
        every: dict[Kind, Receiver | None] = {
            "webhook": self.webhook,
            "slack": self.slack,
            "pagerduty": self.pagerduty,
            "email": self.email,
        }
        return {name: receiver for name, receiver in every.items() if receiver is not None}
