"""Placeholder."""

from airflow.plugins_manager import AirflowPlugin


class UpdraftPlugin(AirflowPlugin):
    name = "updraft"
