"""Prometheus' configuration in bundled mode: what is asked, and which series are kept."""

from __future__ import annotations

from typing import Any

from monitoring import ports
from monitoring.options import Options

Config = dict[str, Any]

# Beside Airflow's control plane; the other servers are beside Prometheus.
_EXPORTER = "airflow-exporter"
_COLLECTOR = "collector"
_ALERTMANAGER = f"alertmanager:{ports.HTTP['alertmanager']}"
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder
_CADVISOR = (
    "container_(cpu_usage_seconds_total|cpu_cfs_(throttled_)?periods_total"
    "|memory_(working_set_bytes|max_usage_bytes)|oom_events_total)"
)
_CONTAINERS = (
    # A pod's sum, and the container that only holds its network, have no container's name.
    {"source_labels": ["container"], "regex": "", "action": "drop"},
    # Each container has its own, and they say nothing that its pod's name does not.
    {"regex": "id|name|image", "action": "labeldrop"},
)
_KUBELET = "kubelet_volume_stats_(available|capacity|used)_bytes"


def config(options: Options) -> Config:
    """Return prometheus.yml."""
    return {
        "global": {
            "scrape_interval": options.scrape_interval,
            "evaluation_interval": options.scrape_interval,
            "external_labels": {"cluster": options.cluster},
        },
        "rule_files": ["/etc/prometheus/rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_ALERTMANAGER]}]}]},
        "scrape_configs": [
            *(_server(options, name, port) for name, port in ports.HTTP.items()),
            _collector(options),
            _node(options, "/metrics/cadvisor", _CADVISOR, *_CONTAINERS),
            _node(options, "/metrics", _KUBELET),
        ],
    }


def _server(options: Options, job: str, port: int) -> Config:
    host = f"{job}.{options.control_plane}" if job == _EXPORTER else job
    # Asked by name and not by discovery: one that is gone is down, and not forgotten.
    target = {"targets": [f"{host}:{port}"], "labels": {"instance": job}}
    return {"job_name": job, "static_configs": [target]}


def _collector(options: Options) -> Config:
    name = "__meta_kubernetes_pod_label_app_kubernetes_io_name"
    return {
        "job_name": _COLLECTOR,
        "kubernetes_sd_configs": [
            {"role": "pod", "namespaces": {"names": [options.monitoring]}},
        ],
        "relabel_configs": [
            {"source_labels": [name], "regex": _COLLECTOR, "action": "keep"},
            {
                "source_labels": ["__meta_kubernetes_pod_ip"],
                "regex": "(.+)",
                "replacement": f"$1:{ports.COLLECTOR_METRICS}",
                "target_label": "__address__",
            },
            # A pod has an entry for each port that it names.
            {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "instance"},
        ],
    }


def _node(options: Options, path: str, names: str, *then: Config) -> Config:
    ours = "|".join((options.control_plane, options.tasks, options.monitoring))
    return {
        "job_name": f"kubelet{path.replace('/', '-')}",
        "metrics_path": path,
        # cAdvisor states times, by which a container that is gone would linger for five minutes.
        "honor_timestamps": False,
        "scheme": "https",
        "authorization": {"credentials_file": f"{_TOKEN}/token"},
        # A kubelet signs its certificate itself unless the cluster's administrator has seen to it.
        "tls_config": {"insecure_skip_verify": True},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            # As kube-prometheus calls both, so that the rules fit either.
            {"target_label": "job", "replacement": "kubelet"},
            {"target_label": "metrics_path", "replacement": path},
            {"source_labels": ["__meta_kubernetes_node_name"], "target_label": "node"},
        ],
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": names, "action": "keep"},
            {"source_labels": ["namespace"], "regex": ours, "action": "keep"},
            *then,
        ],
    }
