"""The section [updraft] of airflow.cfg, for DAGs that are parsed outside of the platform."""

from __future__ import annotations

from infra.settings import load, stack
from infra.values import links
from infra.values.config import as_json, control_plane

SECTION = "updraft"
# What a task's size and its limit depend on, and what the page says of Updraft. Other options are
# of a platform, and there is none.
NEEDED = ("task_", "version")


def variables(name: str) -> dict[str, str]:
    """Return the variables that tell Airflow a stack's sizes and quota of tasks, and the page.

    Args:
        name: The stack.

    Raises:
        UpdraftError: There is no such stack, or its settings are wrong.
    """
    given = control_plane(load(stack.read(name)))[SECTION]
    options = {key: value for key, value in given.items() if key.startswith(NEEDED)}
    options["links"] = as_json(links.to_page())
    return {f"AIRFLOW__{SECTION.upper()}__{key.upper()}": each for key, each in options.items()}
