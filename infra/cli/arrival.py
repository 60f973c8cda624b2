"""Waiting for a DAG to arrive: until git-sync has brought it and the DAG processor parsed it."""

from __future__ import annotations

import difflib
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from infra.cli.airflow_api import AirflowApi, Json
from infra.errors import UpdraftError
from infra.output import Print

# Seconds between two looks at all DAGs.
LOOK = 5
LOGS = "make logs LOG=dag-processor and make logs LOG=git-sync say what comes"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a DAG is waited for, in seconds.

    Args:
        whole: In all.
        hint: After so many it is told what may be wrong.
        missing: After so many in which no DAG came, all others being of the commit that it should
            be of, it is missing.
    """

    whole: float = 180
    hint: float = 15
    missing: float = 30


@dataclass
class _Arrival:
    """What is known of a DAG that is waited for.

    Args:
        api: The platform's.
        dag_id: The DAG's.
        commit: Of which it should be; any will do where it is empty.
        patience: How long.
    """

    api: AirflowApi
    dag_id: str
    commit: str
    patience: Patience
    row: Json | None = None
    _first: str | None = None
    _there: list[str] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)
    _looked: float = 0

    def arrived(self) -> bool:
        """Look, and return whether it is there, of the commit or a newer one."""
        self.row = self.api.dag(self.dag_id)
        if self.row is None:
            return False
        version: str | None = self.row.get("bundle_version")
        if not self.commit or version in (None, self.commit):
            return True
        self._first = self._first or version
        return version != self._first

    def broken(self) -> str:
        """Why the newest version of its file can't be imported; empty while nothing is known."""
        own = self.row and self.row.get("relative_fileloc")
        return _traces(self.api, own) if own else ""

    def missing(self) -> bool:
        """Whether all DAGs of the commit are there, and no new one has come for a while."""
        now = time.monotonic()
        if self.row or not self.commit or now - self._looked < LOOK:
            return False
        self._looked = now
        rows = self.api.dags()
        there = sorted(row["dag_id"] for row in rows)
        current = bool(rows) and all(row.get("bundle_version") == self.commit for row in rows)
        if there != self._there or not current:
            self._there, self._since = there, now
        return now - self._since > self.patience.missing

    def refusal(self, what: str) -> UpdraftError:
        """That it hasn't arrived, with the files' errors and the DAGs that there are."""
        names = sorted(row["dag_id"] for row in self.api.dags())
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
    commit: str = "",
    patience: Patience = Patience(),
) -> Json:
    """Wait until a DAG is parsed, and return its row.

    Args:
        api: The platform's.
        dag_id: The DAG's.
        output: Told that it waits.
        commit: Of the repository; what Airflow has of an older one is waited out.
        patience: How long.

    Raises:
        UpdraftError: It wasn't there in time, its file can't be imported, or the commit
            has no such DAG; with the files' errors, if there are any, and the DAGs that there are.
    """
    arrival = _Arrival(api, dag_id, commit, patience)
    began, said = time.monotonic(), 0
    while not arrival.arrived():
        passed = time.monotonic() - began
        if broken := arrival.broken():
            raise UpdraftError(
                f"the newest version of {dag_id} can't be imported",
                where=broken,
                fix="mend the file and push it; Airflow would run the version before it",
            )
        if arrival.missing():
            raise arrival.refusal(f"there is no DAG {dag_id} at commit {commit[:12]}")
        if passed > patience.whole:
            of = f" at commit {commit[:12]}" if commit else ""
            raise arrival.refusal(
                f"the DAG {dag_id} was not parsed{of} within {patience.whole:.0f} s"
            )
        if not said:
            output(f"waiting for git-sync and the DAG processor to find {_wanted(arrival)}")
            said = 1
        elif said == 1 and passed > patience.hint:
            output(f"no {_wanted(arrival)} so far: {_why_unknown(api, dag_id)}; waiting on")
            said = 2
        time.sleep(1)
    assert arrival.row is not None  # noqa: S101 -- it has arrived
    return arrival.row


def _wanted(arrival: _Arrival) -> str:
    """The DAG, and the commit where an older one of it is there."""
    return f"{arrival.dag_id} of {arrival.commit[:12]}" if arrival.row else arrival.dag_id


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


def _traces(api: AirflowApi, only: str = "") -> str:
    """The errors of the files that can't be imported, or of one of them."""
    return "\n".join(
        f"{row['filename']}: {row['stack_trace']}"
        for row in api.import_errors()
        if not only or row["filename"] == only
    )
