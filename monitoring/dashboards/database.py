"""Database: whether it answers, has room, and is kept clean."""

from __future__ import annotations

from monitoring.dashboards.common import BAD, FULLNESS, WARN, runbook
from monitoring.dashboards.model import Column, Dashboard, Row
from monitoring.dashboards.panels import stat, table, timeseries
from monitoring.options import Options

_JOB = 'job="airflow-exporter"'


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-database",
        "Updraft: database",
        "Whether Airflow's metadata database answers, has room, and is kept clean.",
        [_now(options), _work(), _size(options)],
    )


def _now(options: Options) -> Row:
    return Row(
        "Now",
        [
            stat(
                "Answers",
                "bool_yes_no",
                "Whether the database answers the exporter.",
                f"max(updraft_database_up{{{_JOB}}})",
                thresholds={0: BAD, 1: "green"},
                links=[runbook(options, "AirflowDatabaseDown")],
            ),
            stat(
                "Connections taken",
                "percentunit",
                "Of all that the server allows.",
                "updraft:database_connections_used:ratio",
                thresholds=FULLNESS,
                links=[runbook(options, "AirflowDatabaseConnectionsHigh")],
            ),
            stat(
                "Size",
                "bytes",
                "Of the database on disk.",
                f"max(updraft_database_size_bytes{{{_JOB}}})",
            ),
            stat(
                "Read from memory",
                "percentunit",
                "Share of the blocks that were in the server's cache.",
                "updraft:database_cache_hits:ratio5m",
                thresholds={0: BAD, 0.9: WARN, 0.99: "green"},
            ),
            stat(
                "Oldest transaction",
                "s",
                "How long the oldest open one has been open; it keeps vacuum from cleaning.",
                f"max(updraft_database_oldest_transaction_seconds{{{_JOB}}})",
                thresholds={300: WARN, 3600: BAD},
            ),
            stat(
                "The exporter's question",
                "s",
                "How long the exporter took to ask all of this.",
                f"max(updraft_exporter_poll_seconds{{{_JOB}}})",
                thresholds={5: WARN, 15: BAD},
            ),
        ],
    )


def _work() -> Row:
    return Row(
        "Work",
        [
            timeseries(
                "Connections",
                "short",
                "Connections by what they do.",
                {"{{state}}": "updraft:database_connections:max"},
                stacked=True,
                width=8,
            ),
            timeseries(
                "Transactions",
                "cps",
                "Transactions by how they ended.",
                {"{{result}}": "updraft:database_transactions:rate5m"},
                width=8,
            ),
            timeseries(
                "Deadlocks",
                "cps",
                "Transactions that the server ended because they waited for one another.",
                {
                    "deadlocks": f"sum(rate(updraft_database_deadlocks_total{{{_JOB}}}"
                    "[$__rate_interval]))"
                },
                width=8,
                colors={".*": BAD},
            ),
        ],
    )


def _size(options: Options) -> Row:
    largest = "max by (table) (updraft_table_size_bytes{" + _JOB + "})"
    dead = "max by (table) (updraft_table_dead_rows{" + _JOB + "})"
    volume = f'job="kubelet", namespace="{options.control_plane}"'
    return Row(
        "Size",
        [
            timeseries(
                "Size over time",
                "bytes",
                "Of the database on disk.",
                {"database": f"max(updraft_database_size_bytes{{{_JOB}}})"},
            ),
            timeseries(
                "Volumes filled",
                "percentunit",
                "Of each volume of the control plane's namespace.",
                {
                    "{{persistentvolumeclaim}}": "max by (persistentvolumeclaim)"
                    f" (kubelet_volume_stats_used_bytes{{{volume}}}"
                    f" / kubelet_volume_stats_capacity_bytes{{{volume}}})"
                },
                thresholds=FULLNESS,
                largest=1,
                only_on_failure="a cluster whose volumes have a size of their own",
                links=[runbook(options, "AirflowVolumeFilling")],
            ),
            table(
                "Largest tables",
                "short",
                "Size with indexes, and rows that vacuum has yet to clean; clean old runs with"
                " `airflow db clean`.",
                {"size": largest, "dead rows": dead},
                [
                    Column("table", "Table"),
                    Column("Value #A", "Size", "bytes"),
                    Column("Value #B", "Dead rows", "short", {100000: WARN}),
                ],
                height=10,
            ),
        ],
    )
