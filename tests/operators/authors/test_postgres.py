"""The PostgreSQL that tests get: real, apart from each other, and gone when its starter is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from tests.waiting import wait_for
from updraft.testing import binaries, postgres
from updraft.testing.postgres import Database, Server

OPERATORS = Path(binaries.__file__).parents[2]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_test_has_an_empty_database_of_its_own(
    postgres_database: Database, make_postgres_database: Callable[..., Database]
) -> None:
    other = make_postgres_database()
    postgres_database.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")
    found = postgres_database.sql("SELECT a FROM t WHERE a > %s", 1)
    print(postgres_database.name, other.name, found)
    assert found == [(2,)]
    assert postgres_database.sql("SELECT '100%'") == [("100%",)]
    assert other.sql("SELECT count(*) FROM information_schema.tables WHERE table_name = 't'") == [
        (0,)
    ]
    assert postgres_database.sql("SHOW server_encoding") == [("UTF8",)]


def test_a_database_has_an_airflow_connection(
    make_postgres_database: Callable[..., Database], postgres_database: Database
) -> None:
    from airflow.sdk import BaseHook  # noqa: PLC0415 -- after the fixtures have made its home

    named = make_postgres_database(conn_id="warehouse")
    for database in (named, postgres_database):
        connection = BaseHook.get_connection(database.conn_id)
        print(connection.conn_id, connection.conn_type, connection.schema)
        assert (connection.conn_type, connection.schema) == ("postgres", database.name)
    assert named.conn_id == "warehouse"


def test_connections_and_databases_end_with_the_test(postgres: Server) -> None:
    left = [name for name in os.environ if name.startswith("AIRFLOW_CONN_TEST_")]
    databases = Database(postgres.uri()).sql("SELECT datname FROM pg_database")
    print(left, databases)
    assert not left
    assert not [name for (name,) in databases if name.startswith("test_")]


def test_the_server_asks_for_a_password_and_listens_on_this_machine_alone(
    postgres: Server,
) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.uri().replace(postgres.password, "wrong"))
    assert Database(postgres.uri()).sql("SHOW listen_addresses") == [("127.0.0.1",)]


STARTER = """
import sys, time
from updraft.testing import postgres
with postgres.running() as server:
    print(server.pid, server.log.parent, flush=True)
    time.sleep(600)
"""


def test_a_killed_starter_leaves_no_server_and_no_files() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(OPERATORS)},
    )
    assert starter.stdout
    pid, folder = starter.stdout.readline().split()
    assert alive(int(pid))
    assert (Path(folder) / "data" / "postmaster.pid").exists()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_for(lambda: not alive(int(pid)), 20, f"the server {pid} to end")
    wait_for(lambda: not Path(folder).exists(), 20, f"{folder} to be removed")


def test_a_data_folder_outlives_its_server() -> None:
    folder = binaries.Account.able().folder()
    try:
        for expected in ([], [(7,)]):
            with postgres.running(folder / "data") as server:
                database = server.create("kept")
                database.sql("CREATE TABLE IF NOT EXISTS t (a int)")
                found = database.sql("SELECT a FROM t")
                database.sql("INSERT INTO t VALUES (7)")
            print(found, server)
            assert found == expected
            assert not alive(server.pid)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def test_a_server_that_does_not_start_says_why() -> None:
    folder = binaries.Account.able().folder()
    try:
        with postgres.running(folder / "data"):
            pass
        (folder / "data" / "PG_VERSION").write_text("9.1\n")
        with pytest.raises(binaries.PostgresError, match="doesn't start") as caught:
            postgres.running(folder / "data").__enter__()
        print(caught.value)
        assert "9.1" in str(caught.value)
        assert str(folder) in str(caught.value)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def test_a_data_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(binaries.PostgresError, match="initdb failed") as caught:
        postgres.running(tmp_path / "file" / "data").__enter__()
    print(caught.value)
    assert str(tmp_path / "file" / "data") in str(caught.value)


def test_a_data_folder_in_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = binaries.Account.able().folder()
    try:
        with postgres.running(folder / "data") as server:
            monkeypatch.setattr(postgres, "PATIENCE", 0.3)
            with pytest.raises(binaries.PostgresError, match="another server uses") as caught:
                postgres.running(folder / "data").__enter__()
            print(caught.value)
            monkeypatch.undo()
            assert Database(server.uri()).sql("SELECT 1") == [(1,)]
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def test_a_server_without_its_watcher_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.running() as server:
        (watcher,) = [
            each
            for each in psutil.process_iter()
            if each.name() == "sh"
            and each.status() != psutil.STATUS_ZOMBIE
            and str(server.log.parent) in " ".join(each.cmdline())
        ]
        watcher.kill()
        monkeypatch.setattr(postgres, "PATIENCE", 0.5)
    print(server, alive(server.pid))
    assert not alive(server.pid)
    assert not server.log.parent.exists()


def test_only_root_runs_the_server_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = []
    for uid in (0, 1000):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        accounts.append(binaries.Account.able().uid)
    print(accounts)
    assert accounts[0] not in (None, 0)
    assert accounts[1] is None


def test_an_account_without_a_temporary_folder_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(binaries.Account, "reaches", lambda *_: False)
    with pytest.raises(binaries.PostgresError, match="can enter no temporary folder") as caught:
        binaries.Account.able().folder()
    print(caught.value)
    assert "TMPDIR" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_programs_the_error_names_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(binaries.VARIABLE, str(tmp_path))
    with pytest.raises(binaries.PostgresError) as caught:
        postgres.running().__enter__()
    print(caught.value)
    for part in (str(tmp_path), "updraft[testing]", "apt-get install postgresql"):
        assert part in str(caught.value)


def test_programs_that_the_account_cannot_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("without root the server runs as the user, and reaches what the user reaches")
    found = binaries.find().parent
    locked = tmp_path / "locked"
    installation = locked / found.parent.name / found.name
    shutil.copytree(found, installation)
    libraries = found.parent.with_name(f"{found.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, locked / libraries.name)
    locked.chmod(0o700)
    monkeypatch.setenv(binaries.VARIABLE, str(installation / "bin"))
    with postgres.running() as server:
        folder = server.log.parent
        programs = Database(server.uri()).sql("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        print(programs)
        assert programs == [
            (str(folder / "programs" / installation.parent.name / installation.name / "bin"),)
        ]
    assert not folder.exists()
