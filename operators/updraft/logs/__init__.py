"""Task logs that outlive their pods: Airflow's own logging, and a reader that asks Loki.

Airflow imports this in every process, while it is being set up itself: by
`[logging] logging_config_class = updraft.logs.LOGGING_CONFIG`. It reads no setting, so that none
can break that.
"""

from __future__ import annotations

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG

from updraft.logs.reader import LokiTaskLog

LOGGING_CONFIG = DEFAULT_LOGGING_CONFIG
REMOTE_TASK_LOG = LokiTaskLog()

__all__ = ["LOGGING_CONFIG", "REMOTE_TASK_LOG"]
