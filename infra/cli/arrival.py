"""Waiting for a DAG to arrive: until git-sync has brought it and the DAG processor parsed it."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from infra.cli.airflow_api import AirflowApi, Json
from infra.errors import UpdraftError
from infra.output import Print

# Seconds between two looks at all DAGs.
LOOK = 5
# Seconds within which Airflow has ordinarily read what git-sync has brought.
READ = 30
LOGS = "make logs LOG=dag-processor and make logs LOG=git-sync say what comes"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a DAG is waited for, in seconds.

    Args:
        ordinary: A pushed commit takes so long to be read; after that it is told what may be wrong.
        whole: In all.
        missing: After so many in which no DAG came, all others being of the commit that it should
            be of, it is missing.
    """

    ordinary: float = 10 + READ
    whole: float = 180
    missing: float = 30

    @classmethod
    def of_period(cls, period: float) -> Patience:
        """That where git-sync asks the remote each so many seconds."""
        return cls(ordinary=period + READ, whole=period + 180)


@dataclass
class _Arrival:
    """What is known of a DAG that is waited for.

    Args:
        api: The platform's.
        dag_id: The DAG's.
        newest: Asks for the repository's newest commit; None or "" where any will do.
        patience: How long.
    """

    api: AirflowApi
    dag_id: str
    newest: Callable[[], str] | None
    patience: Patience
    row: Json | None = None
    commit: str = ""
    _rows: list[Json] = field(default_factory=list)
    _file: str = ""
    _learnt: float = 0
    _since: float = field(default_factory=time.monotonic)
    _looked: float = -LOOK
    _error: object = None
    _broken: str = ""

    def arrived(self) -> bool:
        """Look, and return whether it is there and of the newest commit."""
        found = self.api.dag_so_far(self.dag_id) or {}
        self.row = found if found and not found.get("is_stale") else None
        self._file = found.get("relative_fileloc") or ""
        now = time.monotonic()
        if now - self._looked >= LOOK:
            self._look_around(now)
            # A git server that doesn't answer may take a minute to say so.
            self._looked = time.monotonic()
        if self.row is None:
            return False
        return not self.commit or self.row.get("bundle_version") in (None, self.commit)

    def _look_around(self, now: float) -> None:
        """Ask which commit is the newest, and what has become of it elsewhere."""
        newest = self.newest() if self.newest else ""
        rows = self.api.dags() if newest else []
        if newest != self.commit or _ids(rows) != _ids(self._rows) or not _all_of(rows, newest):
            self._since = now
        if newest != self.commit:
            self._learnt, self._error, self._broken = now, None, ""
        self.commit, self._rows = newest, rows
        if newest and self._file and self._is_read(now):
            self._judge()

    def _is_read(self, now: float) -> bool:
        """Whether the newest commit is what Airflow parses: it has a DAG of it, or had the time.

        A commit that breaks every DAG shows by none of them, and the version of a file's error is
        not told.
        """
        if any(row.get("bundle_version") == self.commit for row in self._rows):
            return True
        return now - self._learnt > self.patience.ordinary

    def _judge(self) -> None:
        """Look for an error of its file that is younger than the newest commit's arrival."""
        errors = self.api.import_errors()
        own = [error for error in errors if error["filename"] == self._file]
        stamp = own[0].get("timestamp") if own else ""
        if self._error is None:
            self._error = stamp
        elif own and stamp != self._error:
            self._broken = f"{own[0]['filename']}: {own[0]['stack_trace']}"

    def refusal(self, passed: float) -> UpdraftError | None:
        """Why it is waited for in vain; None while there is hope."""
        if self._broken:
            return UpdraftError(
                f"the newest version of {self.dag_id} can't be imported",
                where=self._broken,
                fix="mend the file and push it"
                + ("; Airflow would run the version before it" if self.row else ""),
            )
        of = f" of {self.commit[:12]}" if self.commit else ""
        if self.commit and not self.row and time.monotonic() - self._since > self.patience.missing:
            return self._missing(f"there is no DAG {self.dag_id}{of}")
        if passed > self.patience.whole:
            told = f"the DAG {self.dag_id}{of} was not parsed within {self.patience.whole:.0f} s"
            return self._missing(told)
        return None

    def _missing(self, what: str) -> UpdraftError:
        names = _ids(self.api.dags())
        there = f"the DAGs that there are: {', '.join(names) or 'none'}; {LOGS}"
        return UpdraftError(
            what,
            where=_traces(self.api) or self.api.address,
            fix=LOGS if self.row else _meant(self.dag_id, names) + there,
        )


def wait_for_dag(
    api: AirflowApi,
    dag_id: str,
    output: Print,
    *,
    newest: Callable[[], str] | None = None,
    patience: Patience = Patience(),
) -> Json:
    """Wait until a DAG is parsed, and return its row.

    Args:
        api: The platform's.
        dag_id: The DAG's.
        output: Told that it waits.
        newest: Asks for the repository's newest commit, "" where it isn't known; what Airflow has
            of an older one is waited out.
        patience: How long.

    Raises:
        UpdraftError: It wasn't there in time, its file can't be imported, or the commit has no such
            DAG; with the files' errors, if there are any, and the DAGs that there are.
    """
    arrival = _Arrival(api, dag_id, newest, patience)
    began, said = time.monotonic(), 0
    while not arrival.arrived():
        passed = time.monotonic() - began
        if refusal := arrival.refusal(passed):
            raise refusal
        if not said:
            output(f"waiting for git-sync and the DAG processor to find {_wanted(arrival)}")
            said = 1
        elif said == 1 and passed > patience.ordinary:
            output(f"{_so_far(arrival)}; waiting on")
            said = 2
        time.sleep(1)
    assert arrival.row is not None  # noqa: S101 -- it has arrived
    return arrival.row


def _ids(rows: list[Json]) -> list[str]:
    return sorted(row["dag_id"] for row in rows)


def _all_of(rows: list[Json], commit: str) -> bool:
    return bool(rows) and all(row.get("bundle_version") == commit for row in rows)


def _wanted(arrival: _Arrival) -> str:
    """The DAG, and the commit where an older one of it is there."""
    return f"{arrival.dag_id} of {arrival.commit[:12]}" if arrival.row else arrival.dag_id


def _so_far(arrival: _Arrival) -> str:
    """What there is after the ordinary wait, and where it is nothing, why that may be."""
    if not arrival.row:
        return f"no {arrival.dag_id} so far: {_why_unknown(arrival.api, arrival.dag_id)}"
    read = str(arrival.row.get("bundle_version"))[:12]
    return f"Airflow has {arrival.dag_id} of {read} still, and {arrival.commit[:12]} is newer"


def _meant(dag_id: str, names: list[str]) -> str:
    near = difflib.get_close_matches(dag_id, names, n=1)
    return f"is {near[0]} meant? " if near else ""


def _why_unknown(api: AirflowApi, dag_id: str) -> str:
    errors = {PurePosixPath(row["filename"]): row["stack_trace"] for row in api.import_errors()}
    for path, trace in errors.items():
        if path.stem == dag_id:
            last = (trace or "no reason is told").strip().splitlines()[-1]
            return f"{path} can't be imported: {last}"
    if errors:
        names = ", ".join(str(path) for path in errors)
        return f"no file of that name is broken, but {names} (make status says how)"
    return "no file is broken; is the name right, and the file pushed?"


def _traces(api: AirflowApi) -> str:
    return "\n".join(f"{row['filename']}: {row['stack_trace']}" for row in api.import_errors())
