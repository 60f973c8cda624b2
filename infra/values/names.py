"""Names of the objects that Updraft makes; both engines and both charts use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # doctor answers where no package of the settings is installed
    from infra.settings import Settings

# Of the cluster's DNS.
DOMAIN: Final = "cluster.local"

RELEASE: Final = "airflow"
HOME: Final = "/opt/airflow"
API_PORT: Final = 8080

FERNET_KEY: Final = "airflow-fernet-key"
API_SECRET_KEY: Final = "airflow-api-secret-key"  # noqa: S105
JWT_SECRET: Final = "airflow-jwt-secret"  # noqa: S105
METADATA: Final = "airflow-metadata"
ADMIN: Final = "airflow-admin"
POSTGRESQL: Final = "postgresql"
GIT: Final = "git"
GIT_CREDENTIALS: Final = "git-credentials"
GIT_SSH_KEY: Final = "git-ssh-key"
GIT_USER: Final = "dags"

TASK: Final = "airflow-task"
TASK_CONFIG: Final = "airflow-task"
JOB_CONFIG: Final = "airflow-jobs"
CLEANUP: Final = "airflow-pod-cleanup"
TASKS: Final = "tasks"
# Secrets with options of airflow.cfg that not everybody may read.
OPTIONS: Final = "airflow-options"
TASK_OPTIONS: Final = "airflow-task-options"

SCHEDULER: Final = "airflow-scheduler"
API_SERVER: Final = "airflow-api-server"
DAG_PROCESSOR: Final = "airflow-dag-processor"
TRIGGERER: Final = "airflow-triggerer"

STATSD_EXPORTER: Final = "statsd-exporter"
AIRFLOW_EXPORTER: Final = "airflow-exporter"
KUBE_STATE_METRICS: Final = "kube-state-metrics"
PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
LOKI: Final = "loki"
COLLECTOR: Final = "collector"
RECEIVERS: Final = "alertmanager-receivers"

# Label of everything that is made; its value is the platform's name.
OWNER: Final = "updraft.dev/platform"
# Names of PriorityClasses, after the platform's.
PRIORITY_CONTROL_PLANE: Final = "control-plane"
PRIORITY_TASKS: Final = "tasks"
PRIORITY_MONITORING: Final = "monitoring"


def of_platform(settings: Settings, name: str) -> str:
    """Return the name of an object of the whole cluster, which no other platform's has."""
    return f"{settings.platform.name}-{name}"


def host(service: str, namespace: str) -> str:
    """Return a Service's full name in the cluster's DNS, which any namespace can look up."""
    return f"{service}.{namespace}.svc.{DOMAIN}"
