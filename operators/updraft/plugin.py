"""The plugin by which Airflow finds what this package adds to it."""

from __future__ import annotations

from airflow.sdk.plugins_manager import AirflowPlugin

from updraft import resources


class UpdraftPlugin(AirflowPlugin):
    """Updraft's additions: a line about each task's resources in its log.

    Example:
        >>> UpdraftPlugin.name
        'updraft'
    """

    name = "updraft"
    listeners = [resources]  # noqa: RUF012 -- the base class declares it so
