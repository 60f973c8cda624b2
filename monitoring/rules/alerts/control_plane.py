"""Alerts on what no task runs without: scheduler, API server, database, their like."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group, window
from monitoring.rules.recording_expr import EXPORTER


def group(options: Options) -> Group:
    """Return the alerts."""
    return Group("airflow-control-plane", [*_components(), *_servers(), *_storage(options)])


def silent(component: str) -> str:
    """Return the age of a component's youngest heartbeat where it is too old, or +Inf for none."""
    series = f'updraft_component_heartbeat_age_seconds{{{EXPORTER}, component="{component}"}}'
    # Without the database the exporter can't know, and another alert tells of that.
    readable = f"max(updraft_database_up{{{EXPORTER}}}) == 1"
    never = f"max(absent({series})) * Inf and on () ({readable})"
    return f"min({series}) > {least.HEARTBEAT_SECONDS} or {never}"


def _components() -> list[Alert]:
    def down(name: str, component: str, wait: str, what: str, log: str) -> Alert:
        return Alert(
            name=name,
            expr=silent(component),
            for_=wait,
            severity="page",
            component=log,
            summary=f"The {log}'s last heartbeat was {{{{ $value | humanizeDuration }}}} ago.",
            description=f"{what} +Inf means that none was ever seen. Look at `make status`, then at"
            f" `make logs LOG={log}`.",
        )

    return [
        down(
            "AirflowSchedulerDown", "scheduler", "1m",
            "No run is created and no task is queued; tasks that run go on.", "scheduler",
        ),
        # What waits for it, new DAGs and failures' callbacks, is kept and done later.
        down(
            "AirflowDagProcessorDown", "dag_processor", "10m",
            "No pushed DAG arrives, and no callback of a failed run is called.", "dag-processor",
        ),
        down(
            "AirflowTriggererDown", "triggerer", "5m",
            "Deferred tasks don't wake up, and nobody is told of missed deadlines.", "triggerer",
        ),
    ]  # fmt: skip


def _servers() -> list[Alert]:
    return [
        Alert(
            name="AirflowApiServerDown",
            expr=f"max(updraft_api_server_up{{{EXPORTER}}}) == 0",
            for_="2m",
            severity="page",
            component="api-server",
            summary="The API server does not answer its health check (up is {{ $value }}).",
            description="Running tasks can't report their state and fail, new ones don't begin, and"
            " the UI is away. Look at `make logs LOG=api-server`.",
        ),
        Alert(
            name="AirflowDatabaseDown",
            expr=f"max(updraft_database_up{{{EXPORTER}}}) == 0",
            for_="1m",
            severity="page",
            component="database",
            summary="The metadata database can't be reached (up is {{ $value }}).",
            description="All of Airflow stands still, and alerts that follow from it are silenced."
            " Look at the database's pod or service first: `make logs LOG=postgresql`.",
        ),
        Alert(
            name="AirflowDatabaseConnectionsHigh",
            expr=f"updraft:database_connections_used:ratio > {least.DATABASE_CONNECTIONS}",
            for_="10m",
            severity="ticket",
            component="database",
            summary="{{ $value | humanizePercentage }} of the database's connections are taken.",
            description="The next component that starts may find none. See who holds them in"
            " pg_stat_activity, and turn PgBouncer on or max_connections up.",
        ),
    ]


def _storage(options: Options) -> list[Alert]:
    ours = f'namespace=~"{options.control_plane}|{options.monitoring}"'
    volume = f'job="kubelet", {ours}'
    by = "min by (namespace, persistentvolumeclaim)"
    killed = (
        "max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason"
        f'{{job="kube-state-metrics", reason="OOMKilled", {ours}}})'
    )
    restarts = f'kube_pod_container_status_restarts_total{{job="kube-state-metrics", {ours}}}'
    return [
        Alert(
            name="AirflowVolumeFilling",
            expr=f"{by} (kubelet_volume_stats_available_bytes{{{volume}}})"
            f" / {by} (kubelet_volume_stats_capacity_bytes{{{volume}}}) < {least.VOLUME_LEFT}",
            for_="15m",
            severity="ticket",
            component="storage",
            summary="Volume {{ $labels.persistentvolumeclaim }} has"
            " {{ $value | humanizePercentage }} left.",
            description="When {{ $labels.persistentvolumeclaim }} in {{ $labels.namespace }} is"
            " full, who writes there stops. Shorten the retention or enlarge the volume.",
        ),
        Alert(
            name="AirflowComponentOutOfMemory",
            expr=f"{killed} == 1 and on (namespace, pod, container) (max by (namespace, pod,"
            f" container) (changes({restarts}[{window('30m', options)}])) > 0)",
            for_="0s",
            severity="ticket",
            component="control-plane",
            summary="{{ $labels.container }} of {{ $labels.pod }} ran out of memory"
            " ({{ $value }} time at least).",
            description="The kernel killed {{ $labels.container }} in {{ $labels.namespace }}, and"
            " it was started anew. Raise its memory limit in the stack's settings.",
        ),
    ]
