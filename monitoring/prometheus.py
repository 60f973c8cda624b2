"""Prometheus' configuration in bundled mode: what is asked, and which series are kept."""

from __future__ import annotations

from typing import Any

from monitoring.options import Options

Config = dict[str, Any]

# Of what a Service offers, by the `app.kubernetes.io/name` that is its series' job.
_SERVERS = {
    "statsd-exporter": 9102,
    "kube-state-metrics": 8080,
    "prometheus": 9090,
    "alertmanager": 9093,
    "loki": 3100,
}
_EXPORTER = "airflow-exporter"
_EXPORTER_PORT = 9180
_COLLECTOR = "collector"
_COLLECTOR_PORT = 8888
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
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        "scrape_configs": [
            *(_server(name, f"{name}:{port}") for name, port in _SERVERS.items()),
            _server(_EXPORTER, f"{_EXPORTER}.{options.control_plane}:{_EXPORTER_PORT}"),
            _collector(options),
            _node(options, "/metrics/cadvisor", _CADVISOR, *_CONTAINERS),
            _node(options, "/metrics", _KUBELET),
        ],
    }


def _server(job: str, target: str) -> Config:
    # Asked by name and not by discovery: one that is gone is down, and not forgotten.
    return {"job_name": job, "static_configs": [{"targets": [target], "labels": {"instance": job}}]}


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
                "replacement": f"$1:{_COLLECTOR_PORT}",
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
