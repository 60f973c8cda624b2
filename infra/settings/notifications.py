"""Messages to people about failed tasks and missed deadlines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.base import Area
from infra.settings.grammar.text import SecretsPlace

# The webhook's address is pasted there, rather than the id of the connection that holds it.
ConnectionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,250}$"), SecretsPlace()]


class Notifications(Area):
    """Where `FailureNotifier` and `deadline` of the package `updraft` send messages."""

    connection_id: ConnectionId | None = Field(
        None,
        description="Airflow connection, of type Generic or any other, whose password is the "
        "webhook's whole address, a secret: make it in the UI (Admin, Connections) or in the "
        "secrets backend. No messages without; nor of a DAG that asks for none, by "
        '`default_args={"on_failure_callback": FailureNotifier()}` or '
        "`deadline=deadline(…)`.",
    )
