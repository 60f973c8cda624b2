"""Drivers' errors are told apart: what passes by itself, what the data, what the DAG has wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc

from updraft.errors import (
    ConfigurationError,
    DataError,
    SourceUnavailableError,
    TransientError,
    UpdraftError,
)
from updraft.testing.postgres import Database
from updraft.transfer.failures import kind_of, told

STATES = {
    "08006": TransientError, "40001": TransientError, "40P01": TransientError,
    "53300": TransientError, "55P03": TransientError, "57014": TransientError,
    "57P01": TransientError, "58030": TransientError,
    "22003": DataError, "23505": DataError,
    "42P01": ConfigurationError, "42501": ConfigurationError, "55000": ConfigurationError,
    "25006": ConfigurationError, "0A000": ConfigurationError,
}  # fmt: skip


def test_a_servers_code_says_what_it_is(postgres_database: Database) -> None:
    for state, kind in STATES.items():
        with pytest.raises(psycopg.Error) as raised:
            postgres_database.sql(
                f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
            )
        print(state, kind.__name__)
        assert kind_of(raised.value) is kind
        assert kind_of(sqlalchemy.exc.DBAPIError("SELECT 1", None, raised.value)) is kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("postgresql://127.0.0.1:1/x", TransientError),
        ("{server}/missing", ConfigurationError),
        ("{server}/postgres?user=nobody_here&password=x", ConfigurationError),
    ],
)
def test_a_failed_login_is_a_mistake_and_a_server_that_is_down_is_not(
    address: str, kind: type[UpdraftError], postgres_database: Database
) -> None:
    uri = address.format(server=postgres_database.uri.rpartition("/")[0])
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(uri)
    print(raised.value)
    assert kind_of(raised.value) is kind


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT * FROM missing", ConfigurationError),
        ("SELEC", ConfigurationError),
        ("INSERT INTO t VALUES (null)", DataError),
        ("INSERT INTO s VALUES ('x')", DataError),
        ("BEGIN IMMEDIATE", TransientError),
    ],
)
def test_sqlites_own_codes_tell_its_errors_apart(
    statement: str, kind: type[UpdraftError], tmp_path: Path
) -> None:
    path = tmp_path / "lite.db"
    with (
        closing(sqlite3.connect(path)) as other,
        closing(sqlite3.connect(path, timeout=0)) as connection,
    ):
        connection.execute("CREATE TABLE t (a NOT NULL)")
        connection.execute("CREATE TABLE s (a INTEGER) STRICT")
        if statement.startswith("BEGIN"):
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.Error) as raised:
            connection.execute(statement)
        print(raised.value, raised.value.sqlite_errorname)
        assert kind_of(raised.value) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("the connection is lost"), TransientError),
        (psycopg.InterfaceError("the connection is closed"), TransientError),
        (psycopg.OperationalError("no password supplied"), ConfigurationError),
        (psycopg.OperationalError('FATAL: no pg_hba.conf entry for host "x"'), ConfigurationError),
        (psycopg.DataError("NUL"), DataError),
        (psycopg.IntegrityError("double"), DataError),
        (psycopg.ProgrammingError("no such thing"), ConfigurationError),
        (psycopg.NotSupportedError("not here"), ConfigurationError),
        (ValueError("no driver's"), None),
        (OSError("no driver's"), None),
    ],
)
def test_without_a_code_the_class_decides(
    error: Exception, kind: type[UpdraftError] | None
) -> None:
    assert kind_of(error) is kind


def test_an_error_is_told_with_its_place_and_a_way_out() -> None:
    with pytest.raises(TransientError) as lost, told("there"):
        raise psycopg.OperationalError("lost\n  the connection")
    assert str(lost.value).splitlines() == [
        "lost the connection",
        "  where: there",
        "  fix:   it may pass by itself: let the task retry",
    ]
    assert isinstance(lost.value.__cause__, psycopg.OperationalError)
    with (
        pytest.raises(SourceUnavailableError) as down,
        told("there", transient=SourceUnavailableError),
    ):
        raise psycopg.OperationalError("down")
    assert down.value.fix == lost.value.fix
    with pytest.raises(DataError, match="too long"), told("x", transient=SourceUnavailableError):
        raise psycopg.DataError("too long")
    ours = ConfigurationError("ours")
    with pytest.raises(ConfigurationError) as kept, told("x"):
        raise ours
    assert kept.value is ours
    with pytest.raises(KeyError), told("x"):
        raise KeyError("not a driver's")
