"""Where the test run's own Airflow lives, so that no test reads or changes a person's."""

from __future__ import annotations

import sys
from pathlib import Path


def environment(home: Path) -> dict[str, str]:
    """Make a home and return the variables of an Airflow that knows only what a test tells it.

    Args:
        home: A folder; the metadata database is a SQLite file in it.
    """
    dags = home / "dags"
    dags.mkdir(parents=True)
    # An empty one, since Airflow would write a whole one, and take its time.
    config = home / "airflow.cfg"
    config.touch()
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(config),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }


def airflow_is_imported() -> bool:
    """Whether Airflow has been imported already, and so has read where it lives."""
    return "airflow" in sys.modules
