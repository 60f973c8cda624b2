"""Waiting for a DAG to arrive: until git-sync has brought it and the DAG processor parsed it."""

from __future__ import annotations

import time
from pathlib import PurePosixPath

from infra.cli.airflow_api import AirflowApi, Json
from infra.errors import UpdraftError
from infra.output import Print


def wait_for_dag(
    api: AirflowApi, dag_id: str, timeout: float, output: Print, *, hint: float = 15
) -> Json:
    """Wait until a DAG is parsed, and return its row.

    Args:
        api: The platform's.
        dag_id: The DAG's.
        timeout: For how many seconds.
        output: Told that it waits.
        hint: After so many seconds it is told what may be wrong.

    Raises:
        UpdraftError: It wasn't within `timeout` seconds; with the files' errors, if there are
            any, and the DAGs that there are.
    """
    began, said = time.monotonic(), 0
    while (found := api.dag(dag_id)) is None:
        passed = time.monotonic() - began
        if passed > timeout:
            there = ", ".join(sorted(row["dag_id"] for row in api.dags()))
            raise UpdraftError(
                f"the DAG {dag_id} was not parsed within {timeout:.0f} s",
                where=_import_errors(api) or api.address,
                fix=f"the DAGs that there are: {there or 'none'}; make logs LOG=dag-processor "
                "and make logs LOG=git-sync say what comes",
            )
        if not said:
            output(f"waiting for git-sync and the DAG processor to find {dag_id}")
            said = 1
        elif said == 1 and passed > hint:
            output(f"no {dag_id} so far: {_why_unknown(api, dag_id)}; waiting on")
            said = 2
        time.sleep(1)
    return found


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


def _import_errors(api: AirflowApi) -> str:
    return "\n".join(f"{row['filename']}: {row['stack_trace']}" for row in api.import_errors())
