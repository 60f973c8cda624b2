"""The plugin by which Airflow finds what this package adds to it."""

from __future__ import annotations

from airflow.sdk.plugins_manager import AirflowPlugin

from updraft import links, resources
from updraft.platform import entry


class UpdraftPlugin(AirflowPlugin):
    """Updraft's additions: the Platform page, links on each task, and its resources in its log.

    Example:
        >>> UpdraftPlugin.name
        'updraft'
    """

    name = "updraft"
    # ruff wants these to be immutable; the base class declares lists.
    listeners = [resources]  # noqa: RUF012
    global_operator_extra_links = list(links.configured())  # noqa: RUF012
    fastapi_apps = entry.apps()
    external_views = entry.views()
