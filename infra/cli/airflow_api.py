"""A small client of Airflow's REST API that retries what may pass and names what went wrong."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from infra.cli.instances import TaskInstance, task_instance
from infra.errors import UpdraftError

Json = dict[str, Any]
# A run's: the moment it is asked for, one that is given, or none.
LogicalDate = datetime | Literal["now"] | None

# What may pass. After the second kind it isn't known whether the request was carried out.
REFUSED, BROKEN = frozenset({429, 503}), frozenset({0, 502, 504})
FINAL = frozenset({"success", "failed"})
PAGE = 100
# How often a run is asked for whose moment another run of the DAG has taken.
CLASHES = 3
# A service on this machine is never behind the proxy that the environment may name.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ApiError(UpdraftError):
    """An answer of Airflow's API that is not a success.

    Attributes:
        status: The HTTP status; 0 when there was no answer at all.
    """

    def __init__(self, what: str, *, status: int, where: str, fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status


@dataclass(slots=True)
class AirflowApi:
    """Airflow's REST API as one user.

    Args:
        address: Base URL, such as http://127.0.0.1:8080.
        username: The user's name.
        password: The user's password.
        patience: Seconds for which a refused connection or a passing error is tried again.
    """

    address: str
    username: str
    password: str = field(repr=False)
    patience: float = 60.0
    _token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: object = None, *, again: bool = True) -> Any:
        """Call an endpoint below /api/v2 and return its decoded answer.

        Args:
            method: HTTP method.
            path: Path and query below /api/v2, quoted already.
            body: What to send as JSON.
            again: Whether it may be tried again where it may have been carried out already.

        Raises:
            ApiError: The answer was an error, or there was none for `patience` seconds.
        """
        if not self._token:
            self._login()
        try:
            return self._patiently(method, f"/api/v2/{path}", body, again=again)
        except ApiError as error:
            if error.status != http.HTTPStatus.UNAUTHORIZED:
                raise
        self._login()  # the token has run out
        return self._patiently(method, f"/api/v2/{path}", body, again=again)

    def _login(self) -> None:
        self._token = ""
        who = {"username": self.username, "password": self.password}
        self._token = self._patiently("POST", "/auth/token", who, again=True)["access_token"]

    def _patiently(self, method: str, path: str, body: object, *, again: bool) -> Any:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._once(method, path, body)
            except ApiError as error:
                passing = error.status in REFUSED or (again and error.status in BROKEN)
                if not passing or time.monotonic() > deadline:
                    raise
            time.sleep(1)

    def _once(self, method: str, path: str, body: object) -> Any:
        url = f"{self.address}{path}"
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310 -- always http(s), built above
        try:
            with _OPENER.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _refusal(error, f"{method} {url}") from error
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(
                f"Airflow's API does not answer: {error}",
                status=0,
                where=f"{method} {url}",
                fix="make status shows whether the platform runs, make up starts it",
            ) from error
        return json.loads(text) if text else None

    def pages(self, path: str, key: str) -> Iterator[Json]:
        """Every row of a listing, page by page."""
        offset = 0
        while True:
            joint = "&" if "?" in path else "?"
            page = self.call("GET", f"{path}{joint}limit={PAGE}&offset={offset}")
            yield from page[key]
            offset += PAGE
            if offset >= page["total_entries"]:
                return

    def dag(self, dag_id: str) -> Json | None:
        """A DAG's row, or None while it isn't parsed."""
        found = self.dag_so_far(dag_id)
        # No run can be made of it.
        return None if found is None or found.get("is_stale") else found

    def dag_so_far(self, dag_id: str) -> Json | None:
        """A DAG's row, also a stale one: of a file that has gone or has long been broken."""
        return self._row(f"dags/{quote(dag_id)}")

    def dags(self) -> list[Json]:
        """Every DAG's row."""
        return list(self.pages("dags?exclude_stale=true", "dags"))

    def import_errors(self) -> list[Json]:
        """Every file that can't be parsed: filename and stack_trace."""
        return list(self.pages("importErrors", "import_errors"))

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.call("PATCH", f"dags/{quote(dag_id)}?update_mask=is_paused", {"is_paused": False})

    def trigger(
        self,
        dag_id: str,
        conf: Mapping[str, object] | None = None,
        *,
        logical_date: LogicalDate = "now",
    ) -> str:
        """Begin a run now and return its id; not tried again once it may be there, so never two.

        Args:
            dag_id: The DAG's.
            conf: The run's params.
            logical_date: Now, as in the UI; templates such as `ds` are undefined without one.

        Raises:
            ApiError: Refused; such as for a logical date of which the DAG has a run.
        """
        path = f"dags/{quote(dag_id)}/dagRuns"
        for clash in range(1, CLASHES + 1):
            date = datetime.now(UTC) if logical_date == "now" else logical_date
            body = {"logical_date": date.isoformat() if date else None, "conf": dict(conf or {})}
            try:
                run: Json = self.call("POST", path, body, again=False)
            except ApiError as error:
                # Without a logical date it is something else that clashes: the API says what.
                if error.status != http.HTTPStatus.CONFLICT or logical_date is None:
                    raise
                if logical_date != "now" or clash == CLASHES:
                    raise _taken(dag_id, body["logical_date"], error) from error
            else:
                break
        return str(run["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """A run's row."""
        found: Json = self.call("GET", f"dags/{quote(dag_id)}/dagRuns/{quote(run_id)}")
        return found

    def runs(self, dag_id: str, limit: int = 5) -> list[Json]:
        """The newest runs of a DAG; `~` for all DAGs."""
        path = f"dags/{quote(dag_id)}/dagRuns?order_by=-run_after&limit={limit}"
        found: list[Json] = self.call("GET", path)["dag_runs"]
        return found

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Every task instance of a run, in the order of task and map index."""
        path = f"dags/{quote(dag_id)}/dagRuns/{quote(run_id)}/taskInstances"
        rows = [task_instance(row) for row in self.pages(path, "task_instances")]
        return sorted(rows, key=lambda row: (row.scheduled is None, row.scheduled, row.map_index))

    def connection(self, connection_id: str) -> Json | None:
        """A connection in Airflow's database, or None; a secrets backend is not asked."""
        return self._row(f"connections/{quote(connection_id)}")

    def put_connection(self, connection_id: str, **fields: object) -> None:
        """Make a connection afresh, in place of one of that id."""
        self.delete_connection(connection_id)
        self.call("POST", "connections", {"connection_id": connection_id, **fields})

    def delete_connection(self, connection_id: str) -> None:
        """Delete a connection, if there is one of that id."""
        self._row(f"connections/{quote(connection_id)}", method="DELETE")

    def _row(self, path: str, *, method: str = "GET") -> Json | None:
        """What a call answers; None where there is nothing of that id."""
        try:
            found: Json | None = self.call(method, path)
        except ApiError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise
            return None
        return found


def quote(part: str) -> str:
    """A part of a path: run ids hold '+' and ':'; '~' stays, which means all."""
    return urllib.parse.quote(part, safe="~")


def _taken(dag_id: str, date: object, error: ApiError) -> ApiError:
    """That a DAG has a run of a logical date, which can be one run's alone."""
    return ApiError(
        f"{dag_id} has a run of the logical date {date} already",
        status=error.status,
        where=error.where,
        fix="give another LOGICAL_DATE, or none; the UI clears a run to have it run again",
    )


def _refusal(error: urllib.error.HTTPError, where: str) -> ApiError:
    """What the API answered, in one line."""
    try:
        detail = json.loads(error.read()).get("detail", "")
    except (ValueError, AttributeError, OSError):
        detail = ""
    text = detail if isinstance(detail, str) else json.dumps(detail)
    what = f"Airflow's API answered {error.code} {error.reason}: {text or 'no detail'}"
    fix: dict[int, str] = {
        http.HTTPStatus.UNAUTHORIZED: "make ui says where the administrator's password is",
        http.HTTPStatus.NOT_FOUND: "make status lists the DAGs",
    }
    return ApiError(what, status=error.code, where=where, fix=fix.get(error.code, ""))
