"""A busy platform on which everything has gone wrong once, as series of its sources."""

from __future__ import annotations

from itertools import product

from monitoring import metric_names

SAMPLES = 100
SPACE = "airflow-tasks"
_GROWS = f"0+6x{SAMPLES}"
_SOME = f"3x{SAMPLES}"
# A label's values where one will not do.
_VALUES = {
    "le": ("0.5", "1", "5", "10", "30", "60", "+Inf"),
    "state": (
        *("success", "failed", "up_for_retry", "queued", "running", "open", "total"),
        *("deferred", "active"),
    ),
    "status": ("200", "403"),
    "source": ("cache", "disk"),
    "dag_id": ("etl.daily",),
    "task_id": ("group.load",),
}


def everything() -> dict[str, str]:
    """Return values by selector, one each 15 s, as promtool spells them."""
    return {**_scrapes(), **_airflow(), **_kubernetes(), **_nodes(), **_others()}


def _scrapes() -> dict[str, str]:
    jobs = ("statsd-exporter", "airflow-exporter", "collector", "loki", "kube-state-metrics")
    return {f'up{{job="{job}"}}': f"1x{SAMPLES}" for job in jobs}


def _airflow() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, labels in metric_names.series().items():
        job = "statsd-exporter" if name.startswith("airflow_") else "airflow-exporter"
        names = sorted(labels)
        for chosen in product(*(_VALUES.get(label, ("x",)) for label in names)):
            given = ", ".join(
                f'{label}="{value}"' for label, value in zip(names, chosen, strict=True)
            )
            found[f'{name}{{job="{job}", {given}}}'] = _values(
                dict(zip(names, chosen, strict=True))
            )
    return found


def _values(labels: dict[str, str]) -> str:
    if "le" not in labels:
        return _GROWS
    # The buckets of a histogram hold those below them.
    return f"0+{1 + _VALUES['le'].index(labels['le'])}x{SAMPLES}"


def _kubernetes() -> dict[str, str]:
    pod = f'job="kube-state-metrics", namespace="{SPACE}", pod="p1"'
    container = f'{pod}, container="base"'
    quota = f'job="kube-state-metrics", namespace="{SPACE}", resourcequota="tasks"'
    ids = 'annotation_dag_id="etl.daily", annotation_task_id="group.load"'
    # The pod of the triggerer, whose hostname is what a label without values of its own has.
    own = 'job="kube-state-metrics", namespace="airflow", pod="x", phase="Running"'
    asked = f"kube_pod_container_resource_requests{{{container}"
    return {
        f"kube_pod_annotations{{{pod}, {ids}}}": _SOME,
        f'{asked}, resource="cpu"}}': f"0.5x{SAMPLES}",
        f'{asked}, resource="memory"}}': f"1000000x{SAMPLES}",
        f'kube_pod_status_phase{{{pod}, phase="Running"}}': f"1x{SAMPLES}",
        f"kube_pod_status_phase{{{own}}}": f"1x{SAMPLES}",
        f'kube_pod_status_reason{{{pod}, reason="Evicted"}}': f"1x{SAMPLES}",
        f'kube_pod_status_scheduled{{{pod}, condition="false"}}': f"0x{SAMPLES}",
        f'kube_pod_container_status_waiting_reason{{{container}, reason="x"}}': f"1x{SAMPLES}",
        f'kube_pod_container_status_terminated_reason{{{container}, reason="OOMKilled"}}': (
            f"1x{SAMPLES}"
        ),
        f'kube_resourcequota{{{quota}, resource="pods", type="hard"}}': f"9x{SAMPLES}",
        f'kube_resourcequota{{{quota}, resource="pods", type="used"}}': _SOME,
    }


def _nodes() -> dict[str, str]:
    kubelet = f'job="kubelet", metrics_path="/metrics/cadvisor", namespace="{SPACE}"'
    container = f'{kubelet}, pod="p1", container="base"'
    volume = 'job="kubelet", namespace="airflow", persistentvolumeclaim="data"'
    return {
        f"container_cpu_usage_seconds_total{{{container}}}": _GROWS,
        f"container_cpu_cfs_periods_total{{{container}}}": _GROWS,
        f"container_cpu_cfs_throttled_periods_total{{{container}}}": _GROWS,
        f"container_memory_working_set_bytes{{{container}}}": _SOME,
        f"kubelet_volume_stats_used_bytes{{{volume}}}": _SOME,
        f"kubelet_volume_stats_capacity_bytes{{{volume}}}": f"9x{SAMPLES}",
    }


def _others() -> dict[str, str]:
    collector = (
        *("receiver_accepted", "receiver_refused", "exporter_sent"),
        *("exporter_send_failed", "exporter_enqueue_failed"),
    )
    alert = 'alertname="x", alertstate="firing", severity="page", component="x"'
    return {
        f"ALERTS{{{alert}}}": f"1x{SAMPLES}",
        **{f'otelcol_{name}_log_records_total{{job="collector"}}': _GROWS for name in collector},
        'otelcol_exporter_queue_size{job="collector"}': _SOME,
        'loki_distributor_lines_received_total{job="loki"}': _GROWS,
        'loki_distributor_bytes_received_total{job="loki"}': _GROWS,
        'loki_discarded_samples_total{job="loki", reason="x"}': _GROWS,
        'loki_ingester_memory_streams{job="loki"}': _SOME,
        'loki_request_duration_seconds_count{job="loki", route="otlp_v1_logs"}': _GROWS,
    }
