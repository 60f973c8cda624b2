"""Recording rules of what holds the platform's data: its database, and the way of its logs."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.model import Group, Record
from monitoring.rules.recording_expr import EXPORTER, WINDOW, by, young_rate


def groups(_: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [Group("updraft.database", _database()), Group("updraft.log-delivery", _logs())]


def _rate(metric: str, matchers: str, *labels: str) -> str:
    return f"sum{by(labels)} (rate({metric}{{{matchers}}}[{WINDOW}]))"


def _database() -> list[Record]:
    connections = f"max by (state) (updraft_database_connections{{{EXPORTER}}})"
    most = f"max(updraft_database_connections_max{{{EXPORTER}}})"
    blocks = "updraft_database_blocks_total"
    hits = _rate(blocks, f'{EXPORTER}, source="cache"')
    return [
        Record("updraft:database_connections:max", connections),
        Record(
            "updraft:database_connections_used:ratio",
            f"sum(updraft:database_connections:max) / ({most} > 0)",
        ),
        Record(
            f"updraft:database_transactions:rate{WINDOW}",
            _rate("updraft_database_transactions_total", EXPORTER, "result"),
        ),
        Record(
            f"updraft:database_cache_hits:ratio{WINDOW}",
            f"{hits} / ({_rate(blocks, EXPORTER)} > 0)",
        ),
    ]


def _logs() -> list[Record]:
    collector = 'job="collector"'
    loki = 'job="loki"'
    counts = {
        "log_lines_read": "otelcol_receiver_accepted_log_records_total",
        "log_lines_refused": "otelcol_receiver_refused_log_records_total",
        "log_lines_sent": "otelcol_exporter_sent_log_records_total",
        "log_lines_unsent": "otelcol_exporter_send_failed_log_records_total",
        "log_lines_unqueued": "otelcol_exporter_enqueue_failed_log_records_total",
    }
    return [
        *(
            Record(f"updraft:{name}:rate{WINDOW}", _rate(metric, collector))
            for name, metric in counts.items()
        ),
        Record(
            f"updraft:log_lines_stored:rate{WINDOW}",
            _rate("loki_distributor_lines_received_total", loki),
        ),
        Record(
            f"updraft:log_bytes_stored:rate{WINDOW}",
            _rate("loki_distributor_bytes_received_total", loki),
        ),
        Record(
            f"updraft:log_lines_discarded:rate{WINDOW}",
            young_rate(f"loki_discarded_samples_total{{{loki}}}", "loki", "reason"),
        ),
    ]
