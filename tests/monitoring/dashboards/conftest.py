"""The dashboards, and what they may refer to."""

from __future__ import annotations

import pytest

from monitoring.dashboards import build
from monitoring.options import Options
from tests.monitoring.dashboards.context import checked
from tests.monitoring.dashboards.lint import Checked


@pytest.fixture(scope="session")
def options() -> Options:
    """Give the options of a platform that has everything that can be linked to."""
    return Options(
        airflow_url="https://airflow.example.com",
        grafana_url="https://grafana.example.com",
        teams={"data": "etl.*"},
    )


@pytest.fixture(scope="session")
def dashboards(options: Options) -> list[Checked]:
    """Give every dashboard as Grafana gets it."""
    return [checked(each, options) for each in build(options).values()]
