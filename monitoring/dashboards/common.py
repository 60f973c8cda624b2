"""What several dashboards share: filters, choices, links, colours and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.models import units

from monitoring.dashboards.model import Link, Thresholds, Variable
from monitoring.options import Options

BY_DAG: Final = 'dag_id=~"$dag_id"'
BY_TASK: Final = f'{BY_DAG}, task_id=~"$task_id"'

DAG: Final = Variable(
    "dag_id",
    "DAG",
    "DAGs to look at; those that finished a task in the time range",
    "label_values(updraft_dag:tasks_finished:rate5m, dag_id)",
)
TASK: Final = Variable(
    "task_id",
    "Task",
    "Tasks to look at; those of the chosen DAGs",
    f"label_values(updraft_task:tasks_finished:rate5m{{{BY_DAG}}}, task_id)",
)

GOOD, WARN, BAD = "green", "orange", "red"
STATES: Final[Mapping[str, str]] = {
    "success": GOOD,
    "failed": BAD,
    "up_for_retry": WARN,
    "upstream_failed": WARN,
    "skipped": "light-purple",
    "running": "light-green",
    "queued": "gray",
    "scheduled": "light-blue",
    "deferred": "purple",
}
# Grafana has no unit for cores; titles say so.
CORES: Final = "short"
# The same three wherever something fills up.
FULLNESS: Final[Thresholds] = {0.8: WARN, 0.95: BAD}
ANY_IS_BAD: Final[Thresholds] = {1: BAD}


def over_range(rate: str, labels: str) -> str:
    """Return how many there were in the time range, from a recorded rate, by labels.

    A rate of a minute ago is asked for each minute, so a series that began or ended in the range
    counts for as long as it was there.
    """
    return f"sum by ({labels}) (sum_over_time({rate}[$__range:1m])) * 60"


def largest_over_range(series: str, labels: str) -> str:
    """Return the most that there was in the time range, by labels."""
    return f"max by ({labels}) (max_over_time({series}[$__range]))"


def runbook(options: Options, alert: str) -> Link:
    """Return the link to an alert's runbook."""
    return Link(f"Runbook: {alert}", f"{options.runbooks}/{alert}.md")


def see(uid: str, title: str, variable: str = "", label: str = "") -> Link:
    """Return a link to a dashboard that keeps the time range.

    Args:
        uid: The dashboard's.
        title: Of the link.
        variable: One of its variables, to be chosen by the value that was clicked.
        label: The label with that value; the variable's own name by default.
    """
    label = label or variable
    chosen = f"var-{variable}=${{__field.labels.{label}}}&" if variable else ""
    return Link(title, f"/d/{uid}?{chosen}${{__url_time_range}}")


def see_row(uid: str, title: str, *variables: str) -> Link:
    """Return a link from a table's cell; the row has a field for each of the variables."""
    chosen = "".join(f'var-{name}=${{__data.fields["{name}"]}}&' for name in variables)
    return Link(title, f"/d/{uid}?{chosen}${{__url_time_range}}")


def in_airflow(options: Options) -> list[Link]:
    """Return the link from a series of a DAG to that DAG in Airflow's UI, where it is known."""
    if options.airflow_url is None:
        return []
    return [Link("In Airflow", f"{options.airflow_url}/dags/${{__field.labels.dag_id}}")]


def money(options: Options) -> str:
    """Return Grafana's unit of the prices' currency."""
    known = f"currency{options.currency}"
    return known if known in vars(units).values() else f"currency:{options.currency} "


def namespaces(options: Options) -> str:
    """Return the platform's namespaces as a regular expression."""
    return "|".join((options.control_plane, options.tasks, options.monitoring))
