"""The OpenTelemetry Collector's configuration: each line of our pods into Loki, with true ids."""

from __future__ import annotations

from typing import Any

from monitoring import pod_files, ports
from monitoring.options import Options

Config = dict[str, Any]

ANY = "0.0.0.0"  # noqa: S104 -- of a pod
# Lines go from a file to the queue on disk before the file's offset does: a killed collector
# reads some again and misses none. To be given on the command line.
ARGUMENTS = ("--feature-gates=stanza.synchronousLogEmitter",)
# Environment variable with the name of the collector's node.
NODE = "KUBE_NODE_NAME"
# Ids of a try, annotations of its pod.
IDS = ("dag_id", "task_id", "run_id", "try_number", "map_index")
# What waits for Loki, at most; when it is full, lines wait in their files.
QUEUE_BYTES = 1 << 30
MEMORY_MIB = 200

_METADATA = ("level", *IDS)
_RESOURCE = (
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.container.name",
    "component",
    "service.name",
    *IDS,
)


def config(
    options: Options,
    *,
    pod_logs: str = "/var/log/pods",
    loki: str = "http://loki.airflow-monitoring.svc.cluster.local:3100",
    storage: str = "/var/lib/otelcol",
    kubernetes: str = "serviceAccount",
) -> Config:
    """Return the collector's configuration file.

    Args:
        options: The platform's choices.
        pod_logs: The node's folder of pods' logs, as the kubelet lays it out.
        loki: Address of Loki.
        storage: A folder that outlives a crash, for offsets and for lines that wait for Loki.
        kubernetes: How to log in to the API: as a pod, or by the file in KUBECONFIG (kubeConfig).
    """
    pods = {f"k8s_attributes/{name}": name for name in _namespaces(options)}
    # The two would write a line about each line of theirs.
    excluded = [(options.monitoring, name) for name in ("collector", "loki")]
    return {
        "extensions": {
            "health_check": {"endpoint": f"{ANY}:{ports.COLLECTOR_HEALTH}"},
            "file_storage": {
                "directory": storage,
                "create_directory": True,
                "timeout": "10s",
                "compaction": {
                    "directory": storage,
                    "on_rebound": True,
                    "cleanup_on_start": True,
                },
            },
        },
        "receivers": {"file_log": pod_files.receiver(_namespaces(options), excluded, pod_logs)},
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_mib": MEMORY_MIB,
                "spike_limit_mib": MEMORY_MIB // 4,
            },
            **{each: _pods(options, name, kubernetes) for each, name in pods.items()},
            "transform": _transform(options),
            "filter": {"error_mode": "ignore", "logs": {"log_record": ['body == ""']}},
        },
        "exporters": {"otlp_http": _loki(loki)},
        "service": {
            "extensions": ["health_check", "file_storage"],
            "pipelines": {
                "logs": {
                    "receivers": ["file_log"],
                    "processors": ["memory_limiter", *pods, "transform", "filter"],
                    "exporters": ["otlp_http"],
                }
            },
            "telemetry": _telemetry(),
        },
    }


def _namespaces(options: Options) -> tuple[str, str, str]:
    return options.control_plane, options.tasks, options.monitoring


def _pods(options: Options, namespace: str, kubernetes: str) -> Config:
    # One a namespace, so that a Role in each suffices; a deleted pod is remembered for 120 s.
    extract: Config = {
        "metadata": ["k8s.pod.name"],
        "labels": [
            {"tag_name": "component", "key": "component", "from": "pod"},
            {"tag_name": "app", "key": "app.kubernetes.io/name", "from": "pod"},
        ],
    }
    if namespace == options.tasks:
        extract["annotations"] = [{"tag_name": id_, "key": id_, "from": "pod"} for id_ in IDS]
    return {
        "auth_type": kubernetes,
        "extract": extract,
        "filter": {"namespace": namespace, "node_from_env_var": NODE},
        "pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]}],
        "wait_for_metadata": True,
        "wait_for_metadata_timeout": "5m",
    }


def _transform(options: Options) -> Config:
    component = 'resource.attributes["component"]'
    container = 'resource.attributes["k8s.container.name"]'
    app = 'resource.attributes["app"]'
    resource = [
        f"set({component}, {app}) where {component} == nil and {app} != nil",
        f"set({component}, {container}) where {component} == nil",
        f'set(resource.attributes["service.name"], {component})',
        # Airflow writes no index for a task that is not mapped.
        'set(resource.attributes["map_index"], "-1") where resource.attributes["map_index"] == nil'
        ' and resource.attributes["dag_id"] != nil',
        f"keep_keys(resource.attributes, [{_quoted(_RESOURCE)}])",
    ]
    return {
        "error_mode": "silent",
        "log_statements": [{"statements": resource}, {"statements": _lines(options)}],
    }


def _lines(options: Options) -> list[str]:
    # A task's own lines hold its ids, should Kubernetes not have told them in time.
    field = 'log.cache["json"]["{}"]'
    level = field.format("level")
    task = (
        'resource.attributes["dag_id"] == nil and resource.attributes["k8s.namespace.name"]'
        f' == "{options.tasks}" and {field.format("ti_id")} != nil'
    )
    return [
        f"keep_keys(log.attributes, [{_quoted(_METADATA)}])",
        # Only the rest of a line that was cut has no time of its own. Kept beside another, the time
        # of reading would make a different line of each reading.
        "set(log.time, log.observed_time) where log.time_unix_nano == 0",
        "set(log.observed_time_unix_nano, 0)",
        'set(log.cache["json"], ParseJSON(log.body)) where IsMatch(log.body, "^\\\\{")',
        f'set(log.attributes["level"], ConvertCase({level}, "lower")) where IsString({level})',
        _level("error", r"^(?:Traceback |E\\d{4} )|(?:ERROR|FATAL|PANIC):  "),
        _level("warning", r"^W\\d{4} |level=warn|WARNING:  "),
        _level("error", r"level=(?:error|fatal)"),
        *(
            f'set(log.attributes["{id_}"], String({field.format(id_)}))'
            f" where {task} and {field.format(id_)} != nil"
            for id_ in IDS
        ),
    ]


def _level(name: str, pattern: str) -> str:
    return (
        f'set(log.attributes["level"], "{name}") where log.attributes["level"] == nil'
        f' and IsMatch(log.body, "{pattern}")'
    )


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _loki(address: str) -> Config:
    return {
        "logs_endpoint": f"{address}/otlp/v1/logs",
        "compression": "gzip",
        "timeout": "30s",
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": "500ms",
            "max_interval": "10s",
            "max_elapsed_time": "0s",
        },
        "sending_queue": {
            "enabled": True,
            "storage": "file_storage",
            "sizer": "bytes",
            "queue_size": QUEUE_BYTES,
            "block_on_overflow": True,
            "num_consumers": 4,
            "batch": {
                "flush_timeout": "500ms",
                "sizer": "bytes",
                "min_size": 256 << 10,
                "max_size": 8 << 20,
            },
        },
    }


def _telemetry() -> Config:
    # Unless it is asked for, 0.160 leaves the _total of counts out; 0.149 did not.
    prometheus = {"host": ANY, "port": ports.COLLECTOR_METRICS, "without_type_suffix": False}
    return {
        "logs": {"level": "warn", "encoding": "json"},
        "metrics": {
            "level": "normal",
            "readers": [{"pull": {"exporter": {"prometheus": prometheus}}}],
        },
    }
