"""The page's own web application: the page, its files, an address a panel, and the runbooks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from updraft import settings
from updraft.errors import UpdraftError
from updraft.platform import panels, runbooks
from updraft.platform.access import DeniedError, Viewer, viewer
from updraft.platform.alerts import alerts
from updraft.platform.cost import cost
from updraft.platform.ranges import DEFAULT, RANGES, Range

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
PANELS: dict[str, panels.Panel] = {
    "control": panels.control,
    "alerts": alerts,
    "quota": panels.quota,
    "waiting": panels.waiting,
    "pods": panels.pods,
    "start": panels.start,
    "throughput": panels.throughput,
    "cost": cost,
    "failures": panels.failures,
    "task": panels.task,
    "task-cpu": panels.task_cpu,
    "task-memory": panels.task_memory,
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
Name = Literal[
    "control", "alerts", "quota", "waiting", "pods", "start", "throughput", "cost", "failures",
    "task", "task-cpu", "task-memory",
]  # fmt: skip
Id = Annotated[str, Field(max_length=250)]


class Asked(BaseModel):
    """What the address of a panel may say beside its name; see `panels.Question`.

    Example:
        >>> Asked(range="7d").page
        0
    """

    range: Literal["1h", "6h", "24h", "7d", "30d"] = "24h"
    page: Annotated[int, Field(ge=0, le=10_000)] = 0
    dag_id: Id = ""
    task_id: Id = ""
    run_id: Id = ""
    map_index: int | None = None


@cache
def application() -> FastAPI:
    """Return the application, made when it is first asked for."""
    app = FastAPI(title="Updraft platform", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.get("/", response_class=Response)(page)
    app.get(f"{runbooks.ROUTE}/{{name:path}}", response_class=Response)(runbook)
    app.get("/api/session")(session)
    app.get("/api/{name}")(panel)
    app.middleware("http")(_with_headers)
    return app


async def _login(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
) -> RedirectResponse | None:
    """Return the way to the login and back; None for who is logged in."""
    try:
        await get_user(request, None, bearer)
    except HTTPException:
        query = f"?{request.url.query}" if request.url.query else ""
        back = quote(f"{request.url.path}{query}", safe="")
        login = get_auth_manager().get_url_login()
        return RedirectResponse(f"{login}?next={back}", status_code=302)
    return None


Login = Annotated[RedirectResponse | None, Depends(_login)]


async def page(login: Login) -> Response:
    """Return the page; who is not logged in is sent to the login first."""
    return login or FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def runbook(name: str, login: Login) -> Response:
    """Return a runbook, or which there are; who is not logged in is sent to the login first."""
    if login:
        return login
    text, found = await run_in_threadpool(runbooks.page, name)
    status = HTTPStatus.OK if found else HTTPStatus.NOT_FOUND
    return HTMLResponse(text, status, headers={"Cache-Control": "no-cache"})


async def session(seen_by: Annotated[Viewer, Depends(viewer)]) -> JSONResponse:
    """Return what the page needs to know before it asks for panels."""
    readable = await seen_by.dags()
    return _json(
        {
            "user": seen_by.user.get_name(),
            "dags": len(readable),
            "platform": await seen_by.sees_platform(),
            "grafana": settings.text("grafana_url").rstrip("/"),
            "cluster": settings.text("cluster"),
            "version": settings.text("version"),
            "ranges": list(RANGES),
            "range": DEFAULT,
        }
    )


async def panel(
    name: Name, seen_by: Annotated[Viewer, Depends(viewer)], asked: Annotated[Asked, Query()]
) -> JSONResponse:
    """Return a panel's content; where it can't be had, the reason and the way out."""
    given = asked.model_dump(exclude={"range"})
    question = panels.Question(seen_by, Range.of(asked.range), **given)
    try:
        answer = await PANELS[name](question)
    except UpdraftError as error:
        status = "denied" if isinstance(error, DeniedError) else "failed"
        told = {"status": status, "reason": error.what, "where": error.where, "fix": error.fix}
        return _json(told)
    except Exception:
        log.exception("panel %s", name)
        return _json(
            {
                "status": "failed",
                "reason": "the page itself failed to make this panel",
                "where": name,
                "fix": "see the log of the API server: make logs LOG=api-server",
            }
        )
    full = any(answer.get(part) for part in ("rows", "series", "stats"))
    return _json({"status": "ok" if full else "empty", **answer})


def _json(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    answer = await call_next(request)
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer
