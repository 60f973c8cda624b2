"""The section [updraft] of airflow.cfg, for DAGs that are parsed outside of the platform."""

from __future__ import annotations

from infra.settings import load, stack
from infra.values.config import control_plane

SECTION = "updraft"
# What a task's size and its limit depend on. Links lead to a platform, and there is none here.
NEEDED = ("task_",)


def variables(name: str) -> dict[str, str]:
    """Return the variables that tell Airflow a stack's sizes and quota of tasks.

    Args:
        name: The stack.

    Raises:
        UpdraftError: There is no such stack, or its settings are wrong.
    """
    options = control_plane(load(stack.read(name)))[SECTION]
    return {
        f"AIRFLOW__{SECTION.upper()}__{key.upper()}": value
        for key, value in options.items()
        if key.startswith(NEEDED)
    }
