"""An Airflow as on the platform, with FAB's users: its API server, and a database with failures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from infra.root import ROOT
from tests.monitoring.servers import serve
from tests.render.apiserver import free_ports

OPERATORS = ROOT / "operators"
PLUGIN = "from updraft.plugin import UpdraftPlugin  # noqa: F401\n"


@dataclass(frozen=True)
class Site:
    """A running one."""

    url: str
    environment: Mapping[str, str]
    folder: Path

    @contextmanager
    def another(self, path: str = "", **options: str) -> Iterator[Site]:
        """Run one more API server on its database, with other options of [updraft].

        Args:
            path: Of the UI on its host, as behind an Ingress with one.
            options: The others.
        """
        url = f"http://127.0.0.1:{free_ports(1)[0]}{path}"
        changed = {f"AIRFLOW__UPDRAFT__{name.upper()}": value for name, value in options.items()}
        environment = {**self.environment, **changed, "AIRFLOW__API__BASE_URL": url}
        with _serving(environment, url, self.folder / "another.log"):
            yield Site(url, environment, self.folder)

    @contextmanager
    def components(self, *names: str) -> Iterator[None]:
        """Run further components for the block."""
        with ExitStack() as stack:
            for name in names:
                log = stack.enter_context((self.folder / f"{name}.log").open("w"))
                started = subprocess.Popen(
                    [sys.executable, "-m", "airflow", name], env=dict(self.environment),
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
                stack.callback(_end, started)
            yield

    def token(self, user: str) -> str:
        """Log a user in, whose password is the name."""
        login = {"username": user, "password": user}
        answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def ask(self, path: str, user: str) -> Any:
        """Return the JSON of a path of the page."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        answer = httpx.get(f"{self.url}/platform/api/{path}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def running(folder: Path, database: str, options: Mapping[str, str]) -> Iterator[Site]:
    """Run one for the block.

    Args:
        folder: Of its own.
        database: The URI of an empty database.
        options: Of [updraft].
    """
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    environment = _environment(folder, database, url, options)
    for arguments in (["-m", "airflow", "db", "migrate"], ["-m", "tests.operators.platform.seed"]):
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=ROOT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with _serving(environment, url, folder / "api-server.log"):
        yield Site(url, environment, folder)


@contextmanager
def _serving(environment: Mapping[str, str], url: str, log: Path) -> Iterator[None]:
    """Run an API server for the block."""
    arguments = ["--workers", "1", "--host", "127.0.0.1", "--port", str(urlsplit(url).port)]
    command = [sys.executable, "-m", "airflow", "api-server", *arguments]
    variables = [f"{name}={value}" for name, value in environment.items()]
    with serve(["env", "-i", *variables, *command], f"{url}/api/v2/version", log, patience=90):
        yield


def _environment(
    folder: Path, database: str, url: str, options: Mapping[str, str]
) -> dict[str, str]:
    home = folder / "home"
    (home / "plugins").mkdir(parents=True)
    (home / "plugins" / "updraft_plugin.py").write_text(PLUGIN)
    (home / "dags").mkdir()
    (home / "airflow.cfg").touch()
    given = {
        "api__base_url": url,
        "api__secret_key": "of-this-test",
        "api_auth__jwt_secret": "of-this-test-and-of-a-length-that-is-enough-for-it-0123456789abc",
        "core__auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "core__dags_folder": str(home / "dags"),
        "core__load_examples": "False",
        "database__sql_alchemy_conn": database.replace("postgresql://", "postgresql+psycopg://"),
        "fab__enable_proxy_fix": "True",
        "kubernetes_executor__namespace": "airflow-tasks",
        **{f"updraft__{name}": value for name, value in options.items()},
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": os.pathsep.join((str(OPERATORS), str(ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"AIRFLOW__{name.upper()}": value for name, value in given.items()},
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a component and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
