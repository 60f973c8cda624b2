"""A real PostgreSQL server of its own on 127.0.0.1, which ends when the process that began it ends.

The server is started by a shell that leaves a watcher behind and becomes the server. The watcher
reads a pipe whose other end this process holds. A word from there tells it to end the server. When
the pipe closes without one, this process was killed: then it removes the temporary folder, too.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from updraft.testing.binaries import Account, PostgresError, runnable

USER = "updraft"
# Seconds for the server to answer, and to end.
PATIENCE = 60
# Another program can take the free port before the server does.
ATTEMPTS = 3
# A crash may lose a test's data: that is twice as fast.
CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# $1: data folder, $2: temporary folder, removed when no word came; then the server's command.
# The watcher is no child of the server, which would take its end for a crash of its own.
KEEP = """
data=$1 temporary=$2; shift 2
exec 3<&0 </dev/null
( (
  read -r word <&3
  if [ "$(head -n 1 "$data/postmaster.pid" 2>/dev/null)" = "$$" ]; then
    kill -INT $$
    while kill -0 $$ 2>/dev/null; do sleep 0.05; done
  fi
  if [ -z "$word" ]; then rm -rf "$temporary"; fi
) & )
exec 3<&-
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a running server.

    Args:
        uri: Where it is, as SQLAlchemy and an Airflow connection have it.
        conn_id: The Airflow connection that leads to it, where one does.

    Example:
        >>> Database("postgresql://updraft:secret@127.0.0.1:5432/shop", conn_id="shop").name
        'shop'
    """

    uri: str
    conn_id: str = ""

    @property
    def name(self) -> str:
        """What the server calls it."""
        return self.uri.rpartition("/")[2]

    def sql(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; without params it may be several.

        Args:
            text: The statement, with %s for each param.
            params: The values.

        Returns:
            The last one's rows; none where it is no query.

        Raises:
            psycopg.Error: The server refused it.
        """
        import psycopg  # noqa: PLC0415 -- loads libpq

        with psycopg.connect(self.uri, autocommit=True) as connection:
            cursor = connection.execute(text.encode(), params or None)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Args:
        port: Where it listens on 127.0.0.1.
        password: Its user's; the user is updraft, a superuser.
        pid: Its process.
        log: The file that it writes to.

    Example:
        >>> Server(5432, "secret", 7, Path("server.log")).uri("shop")
        'postgresql://updraft:secret@127.0.0.1:5432/shop'
    """

    port: int
    password: str
    pid: int
    log: Path

    def uri(self, database: str = "postgres") -> str:
        """Return where a database is, whether or not it exists."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{quote(database)}"

    def create(self, name: str) -> Database:
        """Make an empty database; one that is there already stays as it is."""
        maintenance = Database(self.uri())
        if not maintenance.sql("SELECT 1 FROM pg_database WHERE datname = %s", name):
            maintenance.sql(f"CREATE DATABASE {_quoted(name)}")
        return Database(self.uri(name))

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        Database(self.uri()).sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def running(data: Path | None = None) -> Iterator[Server]:
    """Run a server for as long as the block, or this process, lasts.

    Args:
        data: A folder whose databases outlive the server; made where it is missing, in a folder
            that the user who runs it (nobody, for root) can enter. None for a temporary one,
            which is faster, since a crash may lose what is in it.

    Raises:
        PostgresError: There is no PostgreSQL on this machine, or it doesn't start.
    """
    account = Account.able()
    folder = account.folder()
    try:
        programs = runnable(account, folder)
        place = data or folder / "data"
        _wait_until_free(place)
        password = _prepared(programs, account, place, folder)
        process, server = _started(programs, account, place, folder, durable=data is not None)
        try:
            yield Server(server, password, process.pid, folder / "server.log")
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(programs: Path, account: Account, data: Path, folder: Path) -> str:
    """Make the data folder where it is missing; return the password."""
    kept = data / "updraft.password"
    if kept.is_file():
        return kept.read_text()
    password, file = secrets.token_hex(16), folder / "password"
    file.touch(mode=0o600)
    file.write_text(password)
    if account.uid is not None:
        os.chown(file, account.uid, account.gid or 0)
    shutil.rmtree(data, ignore_errors=True)  # what a killed start left half made
    options = ["--encoding=UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]
    command = [str(programs / "initdb"), f"--pgdata={data}", f"--username={USER}"]
    done = subprocess.run(
        [*command, *options, f"--pwfile={file}"],
        capture_output=True, text=True, check=False, cwd=folder, **account.options,
    )  # fmt: skip
    if done.returncode:
        raise PostgresError(
            f"initdb failed with exit code {done.returncode}: {done.stderr.strip()[-500:]}",
            where=str(data),
            fix="is the disk full, or the folder not writable?",
        )
    draft = kept.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(password)
    draft.replace(kept)
    return password


def _wait_until_free(data: Path) -> None:
    """Wait for a server whose starter was killed to end; its watcher sees to that."""
    end = time.monotonic() + PATIENCE
    while _serves(data):
        if time.monotonic() > end:
            raise PostgresError(
                "another server uses the data folder",
                where=str(data),
                fix="end the program that began it",
            )
        time.sleep(0.05)


def _serves(data: Path) -> bool:
    """Whether the process that the folder's pid file names is there, and a server."""
    try:
        pid = (data / "postmaster.pid").read_text().split("\n")[0].strip()
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _started(
    programs: Path, account: Account, data: Path, folder: Path, *, durable: bool
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server; return its process and its port once it answers."""
    log = folder / "server.log"
    for _ in range(ATTEMPTS):
        port = _free_port()
        settings = {"port": str(port), "listen_addresses": "127.0.0.1", "max_connections": "200"}
        # A socket's path has a length limit that a deep temporary folder breaks.
        settings |= {"unix_socket_directories": "", **({} if durable else CARELESS)}
        command = ["/bin/sh", "-c", KEEP, "postgres", str(data), str(folder)]
        command += [str(programs / "postgres"), "-D", str(data)]
        command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for this process to act upon.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output,
                cwd=folder, start_new_session=True, **account.options,
            )  # fmt: skip
        if _answers(process, data):
            return process, port
        _end(process)
    raise PostgresError(
        f"PostgreSQL doesn't start: {log.read_text(errors='replace').strip()[-800:]}",
        where=str(data),
        fix="see its message above; the folder may be removed, but then its databases are lost",
    )


def _answers(process: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the server says in its pid file that it is ready; False when it ended."""
    end = time.monotonic() + PATIENCE
    file = data / "postmaster.pid"
    while process.poll() is None and time.monotonic() < end:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            lines = []
        # A pid file that a killed server left bears that one's pid.
        if lines[:1] == [str(process.pid)] and lines[-1].strip() == "ready":
            return True
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the watcher end the server; kill it where it doesn't."""
    try:
        process.communicate(b"end\n", timeout=PATIENCE)
    except subprocess.TimeoutExpired:  # somebody killed the watcher
        process.kill()
        process.wait()
