"""What dashboards, alerts and the Platform page read instead of Airflow's own metrics.

A name is `level:metric:operation`. The level says which labels a series has, see LEVELS; below it
come only the labels that the metric is about, such as state or le. Where the numbers come from,
today StatsD, is known to these rules alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitoring.options import Options
from monitoring.rules import (
    recording_pods,
    recording_scheduler,
    recording_stores,
    recording_tasks,
)
from monitoring.rules.model import Group

# The labels of each level.
LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "updraft": (),
    "updraft_dag": ("dag_id",),
    "updraft_task": ("dag_id", "task_id"),
    "updraft_team": ("team",),
    "updraft_pod": ("namespace", "pod"),
    "updraft_namespace": ("namespace",),
    "updraft_pool": ("pool",),
    "updraft_file": ("bundle_name", "file_name"),
    "updraft_triggerer": ("hostname",),
}


def groups(options: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [
        *recording_tasks.groups(options),
        *recording_scheduler.groups(options),
        *recording_pods.groups(options),
        *recording_stores.groups(options),
    ]
