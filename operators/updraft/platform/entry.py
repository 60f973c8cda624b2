"""What Airflow mounts for the page; it is imported by every task, so the page itself is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk.configuration import conf

PREFIX = "/platform"
# Of the entry in Airflow's navigation; /plugin/<route> is the page inside Airflow's frame.
ROUTE = "platform"


class Application:
    """An ASGI application that imports the page when it is first asked for.

    Example:
        >>> apps()[0]["app"].__class__.__name__
        'Application'
    """

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        from updraft.platform.app import application  # noqa: PLC0415 -- FastAPI and Airflow's core

        await application()(scope, receive, send)


def apps() -> list[dict[str, Any]]:
    """Return the plugin's attribute `fastapi_apps`."""
    return [{"app": Application(), "url_prefix": PREFIX, "name": "Updraft platform"}]


def folder() -> str:
    """Return the path below which Airflow serves the page, as browsers ask for it."""
    base: str = conf.get("api", "base_url", fallback="")
    return urlsplit(base).path.rstrip("/") + PREFIX


def views() -> list[dict[str, Any]]:
    """Return the plugin's attribute `external_views`."""
    return [
        {
            "name": "Platform",
            "href": f"{folder()}/",
            "destination": "nav",
            "url_route": ROUTE,
            "nav_top_level": True,
        }
    ]
