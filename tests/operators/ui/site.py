"""An Airflow on this machine with its UI: database, scheduler, DAG processor and API server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from infra.root import ROOT
from tests.git_remote import Remote
from tests.waiting import wait_for

OPERATORS = ROOT / "operators"
PROGRAMS = {"scheduler": "LocalExecutor", "dag-processor": "LocalExecutor"}
# The links' code asks which executor ran a task; that it makes pods, nobody here can see.
API_SERVER = "KubernetesExecutor"


@dataclass(frozen=True)
class Site:
    """A running Airflow."""

    url: str
    remote: Remote

    def api(self, path: str, body: Mapping[str, Any] | None = None, method: str = "") -> Any:
        """Ask the REST API."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(  # noqa: S310 -- http on loopback
            f"{self.url}/api/v2/{path}", data=data, method=method or ("POST" if data else "GET"),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        with urlopen(request, timeout=30) as answer:  # noqa: S310 -- as above
            return json.load(answer)

    @property
    def token(self) -> str:
        """A token of the simple auth manager, which takes everybody for an administrator."""
        with urlopen(f"{self.url}/auth/token", timeout=30) as answer:  # noqa: S310 -- as above
            return str(json.load(answer)["access_token"])

    def commit(self, text: str, name: str) -> str:
        """Push a DAG file and let git-sync fetch it; return the commit."""
        made = self.remote.commit(text, f"dags/{name}")
        done = self.remote.sync()
        assert done.returncode == 0, done.stderr
        return made

    def version(self, dag_id: str) -> str | None:
        """The commit that Airflow has parsed a DAG from; None while it does not know the DAG."""
        found = self.api(f"dags?dag_id_pattern={dag_id}")["dags"]
        return found[0]["bundle_version"] if found else None

    def run(self, dag_id: str) -> str:
        """Run a DAG until it has ended; return the run's id."""
        self.api(f"dags/{dag_id}", {"is_paused": False}, "PATCH")
        run_id = str(self.api(f"dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])
        path = f"dags/{dag_id}/dagRuns/{run_id}"
        wait_for(
            lambda: self.api(path)["state"] in ("success", "failed"), 60, f"the end of {run_id}"
        )
        return run_id

    def task(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What the API says of a task instance."""
        return self.api(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")

    def links(self, dag_id: str, run_id: str, task_id: str, number: int) -> Any:
        """The links of one try; None for one that is not shown."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links?try_number={number}"
        return self.api(path)["extra_links"]

    def log(self, dag_id: str, run_id: str, task_id: str, number: int) -> str:
        """The log of one try, as JSON."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{number}"
        return json.dumps(self.api(f"{path}?full_content=true"))


def _entry_points(folder: Path) -> None:
    """Register the package's entry points as its installation does."""
    project = tomllib.loads((OPERATORS / "pyproject.toml").read_text())["project"]
    info = folder / f"updraft-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: updraft\nVersion: {project['version']}\n"
    )
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))


def _environment(folder: Path, database: str, port: int, options: Mapping[str, str]) -> Any:
    url = f"http://127.0.0.1:{port}"
    given = {
        "api__base_url": url,
        "api__secret_key": "of-this-test",
        "api__workers": "1",
        "api_auth__jwt_secret": "of-this-test-and-of-a-length-that-is-enough-for-it-0123456789abc",
        "core__auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager."
        "SimpleAuthManager",
        "core__dags_folder": str(folder / "root" / "repo" / "dags"),
        "core__execution_api_server_url": f"{url}/execution/",
        "core__load_examples": "False",
        "core__parallelism": "2",
        "core__rerun_with_latest_version": "True",
        "core__simple_auth_manager_all_admins": "True",
        "dag_processor__dag_bundle_storage_path": str(folder / "bundles"),
        "dag_processor__bundle_refresh_check_interval": "1",
        "dag_processor__refresh_interval": "1",
        "database__sql_alchemy_conn": database.replace("postgresql://", "postgresql+psycopg://"),
        "kubernetes_executor__namespace": "airflow-tasks",
        "scheduler__scheduler_heartbeat_sec": "1",
        **options,
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join((str(folder / "installed"), str(OPERATORS))),
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"AIRFLOW__{name.upper()}": value for name, value in given.items()},
    }


@contextmanager
def running(
    folder: Path, database: str, remote: Remote, options: Mapping[str, str], **connections: str
) -> Iterator[Site]:
    """Run an Airflow for the block; its DAGs are the repository's, which git-sync fetches."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    _entry_points(folder / "installed")
    environment = _environment(folder, database, port, options)
    environment |= {f"AIRFLOW_CONN_{name.upper()}": uri for name, uri in connections.items()}
    airflow = [sys.executable, "-m", "airflow"]
    done = subprocess.run(
        [*airflow, "db", "migrate"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with ExitStack() as stack:
        processes: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, processes)
        for name, executor in {**PROGRAMS, "api-server": API_SERVER}.items():
            variables = {**environment, "AIRFLOW__CORE__EXECUTOR": executor}
            extra = ["--host", "127.0.0.1", "--port", str(port)] if name == "api-server" else []
            log = stack.enter_context((folder / f"{name}.log").open("w"))
            process = subprocess.Popen(
                [*airflow, name, *extra], env=variables, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            processes.append(process)
        site = Site(f"http://127.0.0.1:{port}", remote)
        wait_for(lambda: _answers(site), 60, f"Airflow's API; see {folder}/api-server.log")
        yield site


def _answers(site: Site) -> bool:
    try:
        return bool(site.api("version"))
    except (URLError, ConnectionError):
        return False


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End the processes and what they have started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + 3
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, end - time.monotonic()))
