"""The pytest plugin: the fixtures that authors test operators and DAGs with."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from updraft.testing import postgres as server
from updraft.testing.home import airflow_is_imported, environment
from updraft.testing.postgres import Database, Server
from updraft.testing.results import RunResult, TaskResult

# Whether Airflow had been imported before it was told where the test run's home is.
TOO_EARLY = pytest.StashKey[bool]()
# Numbers the databases of a test run, so that no two tests share one.
_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give Airflow a home of its own, before a test imports it and it reads a person's."""
    config.stash[TOO_EARLY] = airflow_is_imported()
    home = Path(tempfile.mkdtemp(prefix="updraft-airflow-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name, value in environment(home).items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL server for the test run; one for each worker of pytest-xdist."""
    with server.running() as started:
        yield started


@pytest.fixture
def make_postgres_database(postgres: Server) -> Iterator[Callable[..., Database]]:
    """A function that makes empty databases, each with an Airflow connection, until the test ends.

    Its argument `conn_id` is the connection's id, where the DAG under test asks for a certain one.
    """
    with ExitStack() as stack:

        def make(conn_id: str = "") -> Database:
            name = f"test_{next(_numbers)}"
            made = replace(postgres.create(name), conn_id=conn_id or name)
            stack.callback(postgres.drop, name)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv(f"AIRFLOW_CONN_{made.conn_id.upper()}", made.uri)
            return made

        yield make


@pytest.fixture
def postgres_database(make_postgres_database: Callable[..., Database]) -> Database:
    """An empty database with an Airflow connection, for this test alone."""
    return make_postgres_database()


@pytest.fixture
def run_operator(own_airflow: None) -> Callable[..., TaskResult]:  # noqa: ARG001 -- before
    """The function updraft.testing.running.run_operator: one try of an operator, for real."""
    from updraft.testing import running  # noqa: PLC0415 -- imports Airflow

    return running.run_operator


@pytest.fixture
def run_dag(own_airflow: None) -> Callable[..., RunResult]:  # noqa: ARG001 -- before
    """The function updraft.testing.running.run_dag: a DAG's run to its end, in this process."""
    from updraft.testing import running  # noqa: PLC0415 -- imports Airflow

    return running.run_dag


@pytest.fixture(scope="session")
def own_airflow(pytestconfig: pytest.Config) -> None:
    """Refuse to run anything in an Airflow that is not the test run's own."""
    if pytestconfig.stash[TOO_EARLY]:
        pytest.fail(
            "Airflow was imported before the test run had an Airflow of its own, so these tests "
            "would change yours\n  fix:   import Airflow in no plugin and in no conftest.py "
            "outside of a function",
            pytrace=False,
        )
