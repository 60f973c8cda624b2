"""An Airflow as on the platform, with FAB's users: its API server, and a database with failures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.operators.platform.servers import free_port, process

ROOT = Path(__file__).resolve().parents[3]
OPERATORS = ROOT / "operators"
PLUGIN = "from updraft.plugin import UpdraftPlugin  # noqa: F401\n"


@dataclass(frozen=True)
class Site:
    """A running one."""

    url: str
    environment: Mapping[str, str]

    def token(self, user: str) -> str:
        """Log a user in; his password is his name."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": user})
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
    url = f"http://127.0.0.1:{free_port()}"
    environment = _environment(folder, database, url, options)
    for arguments in (["-m", "airflow", "db", "migrate"], ["-m", "tests.operators.platform.seed"]):
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=ROOT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    address = ["--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    command = [sys.executable, "-m", "airflow", "api-server", "--workers", "1", *address]
    with serving(command, environment, f"{url}/api/v2/version", folder / "api-server.log"):
        yield Site(url, environment)


@contextmanager
def serving(
    command: list[str], environment: Mapping[str, str], url: str, log: Path
) -> Iterator[None]:
    """Run a server in an environment for the block."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    with process(["env", "-i", *variables, *command], url, log, patience=90):
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


def chromium() -> str | None:
    """The path of a Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)
