"""Cost by DAG and team: what pods hold, at the prices of the settings."""

from __future__ import annotations

from monitoring.dashboards.common import BY_DAG, DAG, in_airflow, money, see, see_row
from monitoring.dashboards.model import Column, Dashboard, Row
from monitoring.dashboards.panels import stat, table, timeseries
from monitoring.options import Options

_SAMPLED = "sampled"
_DURATIONS = "durations"


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-cost",
        f"Updraft: cost by DAG and team ({options.currency})",
        "What task pods cost: the more of requested and used CPU and memory, at"
        f" {options.cpu_hour} {options.currency} for a core and {options.memory_gib_hour}"
        f" {options.currency} for a GiB of memory an hour.",
        [_sums(options), _over_time(options), _tables(options)],
        [DAG],
        time_from="now-24h",
        refresh="5m",
    )


def _in_range(level: str, way: str, labels: str) -> str:
    """What was spent in the time range; a cost is a rate in currency a second."""
    filtered = f"{{{BY_DAG}}}" if level in {"dag", "task"} else ""
    cost = f"updraft_{level}:cost_per_second:{way}{filtered}"
    return f"sum by ({labels}) (sum_over_time({cost}[$__range:1m])) * 60"


def _better(level: str, labels: str) -> str:
    """The greater of the two ways for each series: each misses what the other sees."""
    sampled, durations = (_in_range(level, way, labels) for way in (_SAMPLED, _DURATIONS))
    return f"(({durations}) > ({sampled})) or ({sampled}) or ({durations})"


def _sums(options: Options) -> Row:
    unit = money(options)
    return Row(
        "In the time range",
        [
            stat(
                "Cost",
                unit,
                "What the chosen DAGs cost; of both ways to tell, the greater one for each DAG.",
                f"sum({_better('dag', 'dag_id')})",
                instant=True,
                decimals=2,
                width=6,
            ),
            stat(
                "As Prometheus saw pods",
                unit,
                "From samples of pods; those gone before a scrape are missing.",
                f"sum({_in_range('dag', _SAMPLED, 'dag_id')})",
                instant=True,
                decimals=2,
                width=6,
            ),
            stat(
                "As tasks said when they ended",
                unit,
                "From each task's duration and its pods' requests; a pod's start and end, and"
                " tasks that still run, are missing.",
                f"sum({_in_range('dag', _DURATIONS, 'dag_id')})",
                instant=True,
                decimals=2,
                width=6,
            ),
            stat(
                "A month at this pace",
                unit,
                "The cost of 30 days like the time range.",
                f"sum({_better('dag', 'dag_id')}) / $__range_s * 2592000",
                instant=True,
                decimals=0,
                width=6,
            ),
        ],
    )


def _over_time(options: Options) -> Row:
    unit = money(options)
    return Row(
        "Over time, as a day at the pace of the moment",
        [
            timeseries(
                "Teams",
                unit,
                'Cost by team, from samples of pods; "unassigned" has DAGs that no team claims.',
                {"{{team}}": "updraft_team:cost_per_second:sampled * 86400"},
                stacked=True,
            ),
            timeseries(
                "DAGs",
                unit,
                "Cost by DAG, from samples of pods.",
                {"{{dag_id}}": f"updraft_dag:cost_per_second:sampled{{{BY_DAG}}} * 86400"},
                stacked=True,
                value_links=[see("updraft-dags", "This DAG", "dag_id"), *in_airflow(options)],
            ),
        ],
    )


def _tables(options: Options) -> Row:
    unit = money(options)
    values = [
        Column("Value #A", "Cost", unit),
        Column("Value #B", "As Prometheus saw pods", unit),
        Column("Value #C", "As tasks said", unit),
    ]
    dag = Column("dag_id", "dag_id", link=see_row("updraft-dags", "DAG", "dag_id"))
    task = Column(
        "task_id",
        "task_id",
        link=see_row("updraft-rightsize", "Rightsizing", "dag_id", "task_id"),
    )
    return Row(
        "In the time range, by whom",
        [
            table(
                title,
                unit,
                f"What each {level} cost, and by which way to tell.",
                {
                    "cost": _better(level, labels),
                    "sampled": _in_range(level, _SAMPLED, labels),
                    "durations": _in_range(level, _DURATIONS, labels),
                },
                [*columns, *values],
                width=width,
                decimals=3,
                height=10,
            )
            for title, level, labels, columns, width in (
                ("Cost of teams", "team", "team", [Column("team", "Team")], 10),
                ("Cost of DAGs", "dag", "dag_id", [dag], 14),
                ("Cost of tasks", "task", "dag_id, task_id", [dag, task], 24),
            )
        ],
    )
