"""The metadata database of the test run's own Airflow, made once, and the DAGs written to it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from airflow.serialization.definitions.dag import SerializedDAG
    from sqlalchemy.orm import Session

BUNDLE = "dags-folder"


@cache
def _make(home: str) -> None:  # noqa: ARG001 -- made once for each home
    """Make the tables and what Airflow expects in them."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415 -- heavy
    from airflow.utils.db import initdb  # noqa: PLC0415 -- heavy

    initdb()
    manager: Any = DagBundlesManager  # without types
    manager().sync_bundles_to_db()


@contextmanager
def session() -> Iterator[Session]:
    """Open a session with the metadata database; it is made where it is missing.

    What a task changes about this process, its environment and its handler of SIGTERM, is as
    before when the block ends.
    """
    _make(os.environ["AIRFLOW_HOME"])
    from airflow.utils.session import create_session  # noqa: PLC0415 -- heavy

    environment, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
    try:
        with create_session() as opened:
            yield opened
    finally:
        signal.signal(signal.SIGTERM, handler)
        os.environ.clear()
        os.environ.update(environment)


def store(dag: Any, opened: Session) -> SerializedDAG:
    """Write a DAG as the DAG processor does; return it as the scheduler reads it.

    Raises:
        airflow.exceptions.AirflowException: The DAG is not valid, or can't be serialised.
    """
    from airflow.models.dagbag import DBDagBag  # noqa: PLC0415 -- heavy
    from airflow.models.serialized_dag import SerializedDagModel  # noqa: PLC0415 -- heavy
    from airflow.serialization.definitions.dag import SerializedDAG  # noqa: PLC0415 -- heavy
    from airflow.serialization.serialized_objects import LazyDeserializedDAG  # noqa: PLC0415 -- heavy

    dag.validate()
    dag.relative_fileloc = Path(dag.fileloc).name
    parsed = LazyDeserializedDAG.from_dag(dag)
    SerializedDAG.bulk_write_to_db(BUNDLE, None, [parsed], session=opened)
    SerializedDagModel.write_dag(parsed, bundle_name=BUNDLE, session=opened)
    opened.commit()
    # As it is in the database and not as it is here: only there deadlines have their numbers
    # (https://github.com/apache/airflow/issues/73428).
    stored: Any = DBDagBag().get_latest_version_of_dag(dag.dag_id, session=opened)
    # Functions are not serialised, and a run calls these two itself.
    stored.on_success_callback = dag.on_success_callback
    stored.on_failure_callback = dag.on_failure_callback
    found: SerializedDAG = stored
    return found


def load_dag(path: str | Path, dag_id: str = "") -> DAG:
    """Return a DAG of a file, parsed as Airflow parses it.

    Args:
        path: The file.
        dag_id: Which; needed where the file defines several.

    Raises:
        ConfigurationError: The file can't be imported, or defines no such DAG.
    """
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 -- heavy

    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:  # as Airflow has it, also later when a task imports
        sys.path.append(folder)
    bag = DagBag(str(path), bundle_name=BUNDLE)
    errors = "\n".join(bag.import_errors.values())
    if errors:
        raise ConfigurationError(f"the DAG file can't be imported:\n{errors}", where=str(path))
    names = sorted(bag.dags)
    wanted = [dag_id] if dag_id else names
    if len(wanted) != 1 or wanted[0] not in names:
        raise ConfigurationError(
            f"the file has no DAG {dag_id}" if dag_id else "the file has not just one DAG",
            where=str(path),
            fix=f"name one of its DAGs: {', '.join(names) or 'there is none'}",
        )
    found: DAG = bag.dags[wanted[0]]
    return found
