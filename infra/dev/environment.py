"""The variables of the local Airflow: production's DAGs and package, with settings for authors."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from infra.cli.examples import EXAMPLES
from infra.cli.options import DEFAULT_UI_PORT
from infra.dev.home import Home
from infra.errors import UpdraftError
from infra.root import ROOT
from updraft.testing.postgres import Server

# Airflow finds the plugin by the package's entry point; in a checkout no package is installed.
PLUGIN = "from updraft.plugin import UpdraftPlugin  # noqa: F401\n"
# Ports that are tried where nobody asked for one.
TRIED = 20


def variables(
    home: Home, server: Server, port: int, platform: Mapping[str, str], dags: Path
) -> dict[str, str]:
    """Return the environment of Airflow's processes.

    Args:
        home: Where it lives.
        server: Its PostgreSQL.
        port: The UI's.
        platform: What the platform's settings say about tasks.
        dags: The folder with the DAGs.
    """
    plugins = home.airflow / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / "updraft_plugin.py").write_text(PLUGIN)
    keys = home.keys()
    options = {
        "CORE": {
            "AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager"
            ".SimpleAuthManager",
            "DAGS_FOLDER": str(dags),
            "EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "EXECUTOR": "LocalExecutor",
            "FERNET_KEY": keys["fernet"],
            "LOAD_EXAMPLES": "False",
            "PARALLELISM": "8",
            # The page listens on this machine alone: whoever sees it is its author.
            "SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        },
        "API": {"BASE_URL": f"http://127.0.0.1:{port}", "SECRET_KEY": keys["session"]},
        "API_AUTH": {"JWT_SECRET": keys["jwt"]},
        "DAG_PROCESSOR": {"REFRESH_INTERVAL": "2", "MIN_FILE_PROCESS_INTERVAL": "5"},
        "DATABASE": {"SQL_ALCHEMY_CONN": server.uri("airflow")},
        # Two of them serve logs, each at a port of its own.
        "LOGGING": {
            "BASE_LOG_FOLDER": str(home.airflow / "logs"),
            "WORKER_LOG_SERVER_PORT": str(free_port()),
            "TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "LOGGING_LEVEL": "INFO",
        },
        "USAGE_DATA_COLLECTION": {"ENABLED": "False"},
    }
    own = {
        f"AIRFLOW__{section}__{option}": value
        for section, values in options.items()
        for option, value in values.items()
    }
    connections = {f"AIRFLOW_CONN_{name.upper()}": server.uri(name) for name in EXAMPLES}
    paths = os.pathsep.join([str(ROOT / "operators"), str(ROOT)])
    config = home.airflow / "airflow.cfg"
    config.touch()
    homes = {"AIRFLOW_HOME": str(home.airflow), "AIRFLOW_CONFIG": str(config), "PYTHONPATH": paths}
    # An author's own connections go before; their options, of another Airflow, do not.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW__")}
    return {**connections, **kept, **homes, **platform, **own}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def ui_port(asked: int | None) -> int:
    """Return the UI's port: the one asked for, or the first free one from 8080 on.

    Raises:
        UpdraftError: The one asked for is taken.
    """
    first = asked or DEFAULT_UI_PORT
    for port in range(first, first + (1 if asked else TRIED)):
        with socket.socket() as tried:
            # As the server does: what is only just closed is free.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise UpdraftError(
        f"the port {first} is taken" if asked else f"the ports from {first} on are taken",
        where=f"127.0.0.1:{first}",
        fix="name a free one: make dev UI_PORT=8090",
    )
