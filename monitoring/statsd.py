"""statsd_exporter's mapping: timings as histograms in seconds, labels that have an end."""

from __future__ import annotations

import re

from monitoring.metric_names import ANY, PREFIX, STATSD, Metric, exposed_name
from monitoring.options import Options

# The section [metrics] of airflow.cfg that sends what is mapped here; the address is to be added.
AIRFLOW = {
    "statsd_on": "True",
    "statsd_prefix": PREFIX,
    "statsd_influxdb_enabled": "True",
    # A run's own id would make a series of each run. Each is sought anywhere in a tag's name.
    "statsd_disabled_tags": "job_id,run_id,dagrun_id",
    # Else everything is sent twice, under names that hold ids.
    "legacy_names_on": "False",
    "statsd_custom_client_path": "updraft.statsd.Client",
    "stat_name_handler": "updraft.statsd.name",
}
# Tags come in Influx's way alone, and a part of an id must not be taken for another way's tag.
ARGUMENTS = (
    "--statsd.listen-tcp=",
    "--no-statsd.parse-dogstatsd-tags",
    "--no-statsd.parse-librato-tags",
    "--no-statsd.parse-signalfx-tags",
)
# A counter that vanishes starts anew, and its first count is lost: a weekly DAG's has to stay.
TTL = "192h"
# A gauge is sent again and again while what it tells is alive; a dead pod's must not stay.
GAUGE_TTL = "10m"

_DROPPED = (
    # A DAG's id in the name itself; the same is there with a label.
    rf"^{PREFIX}\.dagrun\..+\.first_task_scheduling_delay$",
    # Its end is sent as a negative count, which Prometheus' counters don't have.
    rf"^{PREFIX}\.dag_processing\.processes$",
)
# With several executors each sends under a name of its own; the label tells them apart anyway.
_EXECUTORS = rf"^{PREFIX}\.executor\.(open_slots|queued_tasks|running_tasks)\..+$"
_QUERIES = rf"^{PREFIX}\.dag_processing\.last_num_of_db_queries\.(.+)$"


def mapping(options: Options) -> dict[str, object]:
    """Return the mapping file; the first rule that matches a name decides."""
    starts = sorted({*ANY, float(options.task_start_seconds)})
    return {
        "defaults": {
            "observer_type": "histogram",
            "histogram_options": {"buckets": starts},
            "match_type": "regex",
            "ttl": TTL,
        },
        "mappings": [
            *({"match": match, "action": "drop", "name": "dropped"} for match in _DROPPED),
            {
                "match": _EXECUTORS,
                "name": f"{PREFIX}_executor_$1",
                "labels": {"status": ""},
                "ttl": GAUGE_TTL,
            },
            {
                "match": _QUERIES,
                "name": f"{PREFIX}_dag_processing_last_num_of_db_queries",
                "labels": {"dag_file": "$1"},
                "ttl": GAUGE_TTL,
            },
            *(_rule(name, metric, options) for name, metric in STATSD.items() if _special(metric)),
            {"match": "^(.+)$", "match_metric_type": "gauge", "name": "$1", "ttl": GAUGE_TTL},
        ],
    }


def _special(metric: Metric) -> bool:
    """Whether the defaults are not enough."""
    return bool(metric.unused) or metric.scale != 1 or metric.buckets != ANY


def _rule(name: str, metric: Metric, options: Options) -> dict[str, object]:
    rule: dict[str, object] = {
        "match": f"^{PREFIX}\\.{re.escape(name)}$".replace(r"\-", "-"),
        "name": exposed_name(name),
    }
    if metric.unused:
        # An empty label is none to Prometheus, and the exporter adds up what then is the same.
        rule["labels"] = dict.fromkeys(metric.unused, "")
    if metric.kind == "gauge":
        rule["ttl"] = GAUGE_TTL
    if metric.kind == "histogram":
        bounds = {*metric.buckets, float(options.task_start_seconds)}
        rule["histogram_options"] = {"buckets": sorted(bounds)}
    if metric.scale != 1:
        rule["scale"] = metric.scale
    return rule
