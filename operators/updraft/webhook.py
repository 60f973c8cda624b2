"""Posts a message to the webhook of an Airflow connection within half a minute, or says why not."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from updraft import metrics, settings
from updraft.classify import http_status
from updraft.errors import ConfigurationError, TransientError, UpdraftError
from updraft.retries import asked_wait

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from httpx import AsyncClient

log = logging.getLogger(__name__)

OPTION = "notifications_conn_id"
# Seconds: for one try, for all, and of the first wait; each further one is up to twice as long.
TIMEOUT, DEADLINE, FIRST_WAIT = 8.0, 30.0, 1.0
TRIES = 4


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages go. Its address is a secret: it is shown to nobody, but for its host.

    Args:
        conn_id: The Airflow connection that it comes from.
        url: Its address.
        headers: Further HTTP headers, such as Authorization.

    Example:
        >>> Webhook("chat", "https://hooks.example.com/T0/secret")
        Webhook(conn_id='chat')
    """

    conn_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Return a connection's webhook.

        Args:
            connection: One whose password is the whole address; or an HTTP one, with host,
                schema, port. Further headers are in its extra, {"headers": {…}}.

        Raises:
            ConfigurationError: It has no address, or its extra is not that.
        """
        name = connection.conn_id
        password = connection.password or ""
        url = _normal(password if "://" in password else _address(connection))
        if not url:
            raise ConfigurationError(
                "the connection has no address of a webhook", where=name, fix=_fix(name)
            )
        try:
            headers = dict(json.loads(connection.extra or "{}").get("headers", {}))
        except (ValueError, AttributeError, TypeError):
            raise ConfigurationError(
                "the connection's extra is not JSON with headers",
                where=name,
                fix='leave it empty, or write {"headers": {"Authorization": "…"}}',
            ) from None
        return cls(name, url, headers)


def _address(connection: Connection) -> str:
    host, path = connection.host or "", connection.schema or ""
    scheme = connection.conn_type if connection.conn_type == "https" else "http"
    if path in ("http", "https"):  # as an HTTP connection has it; a URI has its path there
        scheme, path = path, ""
    address = host if "://" in host else f"{scheme}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{address}{port}/{path}" if port or path else address


def _normal(address: str) -> str:
    """The address as httpx's own log has it, so that it can be masked; empty where it is none."""
    from httpx import URL, InvalidURL  # noqa: PLC0415 -- only where a message is sent

    try:
        url = URL(address)
    except InvalidURL:
        return ""
    return str(url) if url.scheme in ("http", "https") and url.host else ""


def _fix(conn_id: str) -> str:
    return (
        f"make it in Airflow's UI (Admin, Connections), as AIRFLOW_CONN_{conn_id.upper()} or in "
        "the secrets backend: of type Generic, the webhook's whole address as its password"
    )


def connection_id(given: str | None) -> str:
    """Return the id of the webhook's connection: the given one or the platform's, else empty."""
    return given or settings.text(OPTION)


def find(conn_id: str) -> Webhook:
    """Return the webhook of a connection, for a task or the DAG processor.

    Raises:
        ConfigurationError: There is no such connection, or it has no address.
    """
    from airflow.sdk import Connection  # noqa: PLC0415 -- only where a message is sent
    from airflow.sdk.log import mask_secret  # noqa: PLC0415 -- as above

    try:
        webhook = Webhook.of(Connection.get(conn_id))
    except ConfigurationError:
        raise
    except Exception as error:
        raise _missing(conn_id, error) from error
    mask_secret(webhook.url)
    return webhook


async def afind(conn_id: str) -> Webhook:
    """Return the webhook of a connection, for the triggerer.

    Raises:
        ConfigurationError: There is no such connection, or it has no address.
    """
    from airflow.sdk import Connection  # noqa: PLC0415 -- only where a message is sent
    from airflow.sdk.log import amask_secret  # noqa: PLC0415 -- as above

    try:
        webhook = Webhook.of(await Connection.async_get(conn_id))
    except ConfigurationError:
        raise
    except Exception as error:
        raise _missing(conn_id, error) from error
    await amask_secret(webhook.url)
    return webhook


def _missing(conn_id: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the webhook's connection can't be used: {error}",
        where=conn_id,
        fix=_fix(conn_id),
    )


async def post(webhook: Webhook, message: Mapping[str, Any], *, kind: str) -> None:
    """Post a message as JSON; a busy or absent server is asked again, with random waits.

    Args:
        webhook: Where to.
        message: What.
        kind: What it is about, for the metric: failure or deadline.

    Raises:
        TransientError: No answer, or that of a busy server, each time.
        ConfigurationError: The server refuses the message.
    """
    metrics.initialize()
    try:
        async with asyncio.timeout(DEADLINE):
            await _post(webhook, message)
    except Exception as error:
        metrics.count(metrics.Metric.NOTIFICATIONS, kind=kind, result="failed")
        if isinstance(error, UpdraftError):
            raise
        raise TransientError(
            f"the webhook does not take the message: {_reason(error)}",
            where=_place(webhook),
            fix="see whether it is up, and reachable from the pods of the platform",
        ) from None  # httpx's own text has the whole address
    metrics.count(metrics.Metric.NOTIFICATIONS, kind=kind, result="sent")


async def _post(webhook: Webhook, message: Mapping[str, Any]) -> None:
    from httpx import AsyncClient, HTTPStatusError, TransportError  # noqa: PLC0415 -- only to send

    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace")
    headers = {"Content-Type": "application/json", **webhook.headers}
    async with AsyncClient(timeout=TIMEOUT, headers=headers) as client:
        for attempt in range(TRIES):
            try:
                await _once(client, webhook, body)
            except (TransportError, HTTPStatusError) as error:
                if attempt + 1 == TRIES:
                    raise
                asked = asked_wait(error) or 0.0
                wait = min(asked, TIMEOUT) + random.uniform(0, FIRST_WAIT * 2**attempt)  # noqa: S311
                log.info("%s: %s; asked again in %.1f s", _place(webhook), _reason(error), wait)
                await asyncio.sleep(wait)
            else:
                return


async def _once(client: AsyncClient, webhook: Webhook, body: bytes) -> None:
    response = await client.post(webhook.url, content=body)
    busy = response.status_code == 429 or response.status_code >= 500  # noqa: PLR2004 -- HTTP's
    if busy:
        response.raise_for_status()
    if not response.is_success:
        raise ConfigurationError(
            f"the webhook refuses the message: HTTP {response.status_code} {response.text[:200]}",
            where=_place(webhook),
            fix="see whether its address and headers are right",
        )


def _reason(error: Exception) -> str:
    status = http_status(error)
    return f"HTTP {status}" if status else f"{type(error).__name__} {error}".strip()


def _place(webhook: Webhook) -> str:
    return f"connection {webhook.conn_id}, host {urlsplit(webhook.url).hostname}"
