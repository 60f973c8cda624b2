"""Loki's configuration: one process that keeps every line, and few streams however many runs."""

from __future__ import annotations

from typing import Any

from monitoring import ports
from monitoring.options import Options

Config = dict[str, Any]

GRPC_PORT = 9095
# OTLP resource attributes that become labels: few values each, so few streams (collector.py).
LABELS = ("k8s.namespace.name", "k8s.container.name", "service.name", "component")
# The collector cuts lines at half of this; what comes from elsewhere is refused and not cut.
MAX_LINE = "8MB"
# Lines this much older than the newest of their stream are taken still: half of a chunk's age.
OUT_OF_ORDER_HOURS = 24
# Lines that come, and questions: not the probes, which are told 503 until it is ready.
ROUTES = "otlp_v1_logs|loki_api_v1_.+"
_MESSAGE_BYTES = 64 << 20


def config(options: Options, *, storage: str = "/loki") -> Config:
    """Return Loki's configuration file.

    Args:
        options: The platform's choices; `logs_retention` is how long lines are kept.
        storage: Folder of index, chunks and write-ahead log, on a volume that outlives the pod.
    """
    return {
        "auth_enabled": False,
        "analytics": {"reporting_enabled": False},
        "server": {
            "http_listen_address": "0.0.0.0",  # noqa: S104 -- of a pod
            "http_listen_port": ports.HTTP["loki"],
            "grpc_listen_address": "127.0.0.1",
            "grpc_listen_port": GRPC_PORT,
            "grpc_server_max_recv_msg_size": _MESSAGE_BYTES,
            "grpc_server_max_send_msg_size": _MESSAGE_BYTES,
            "http_server_read_timeout": "5m",
            "http_server_write_timeout": "5m",
            "log_level": "warn",
        },
        "common": {
            "instance_addr": "127.0.0.1",
            "path_prefix": storage,
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {
                "filesystem": {
                    "chunks_directory": f"{storage}/chunks",
                    "rules_directory": f"{storage}/rules",
                }
            },
        },
        "schema_config": {"configs": [_schema()]},
        "distributor": {
            "otlp_config": {"default_resource_attributes_as_index_labels": list(LABELS)},
        },
        "ingester": _ingester(storage),
        "ingester_client": {"grpc_client_config": _messages()},
        "compactor": {
            "working_directory": f"{storage}/compactor",
            "compaction_interval": "10m",
            "retention_enabled": True,
            "retention_delete_delay": "2h",
            "delete_request_store": "filesystem",
        },
        # What is not flushed yet can be as old as a chunk.
        "querier": {"max_concurrent": 4, "query_ingesters_within": "0s"},
        "frontend": {"encoding": "protobuf", "scheduler_worker_concurrency": 1},
        "frontend_worker": {"grpc_client_config": _messages()},
        "query_range": {"cache_results": False, "parallelise_shardable_queries": False},
        "query_scheduler": {"max_outstanding_requests_per_tenant": 2048},
        "pattern_ingester": {"enabled": False},
        "limits_config": _limits(options),
    }


def _schema() -> Config:
    return {
        "from": "2026-01-01",
        "store": "tsdb",
        "object_store": "filesystem",
        "schema": "v13",
        "index": {"prefix": "index_", "period": "24h"},
    }


def _messages() -> Config:
    return {"max_recv_msg_size": _MESSAGE_BYTES, "max_send_msg_size": _MESSAGE_BYTES}


def _ingester(storage: str) -> Config:
    # A chunk ends by size or when its stream rests; its age only widens what may come late,
    # and a node's backlog after a long outage does: all tasks share a stream.
    return {
        "chunk_encoding": "snappy",
        "chunk_idle_period": "1h",
        "max_chunk_age": f"{2 * OUT_OF_ORDER_HOURS}h",
        "flush_check_period": "1m",
        "lifecycler": {"final_sleep": "0s", "min_ready_duration": "0s"},
        "wal": {
            "enabled": True,
            "dir": f"{storage}/wal",
            "checkpoint_duration": "5m",
            "flush_on_shutdown": True,
            "replay_memory_ceiling": "256MB",
        },
    }


def _limits(options: Options) -> Config:
    return {
        "retention_period": options.logs_retention,
        # Nothing is refused for its age, its rate or its number: a burst of pods is no abuse.
        "reject_old_samples": False,
        "creation_grace_period": "24h",
        "ingestion_rate_mb": 256,
        "ingestion_burst_size_mb": 512,
        "per_stream_rate_limit": "256MB",
        "per_stream_rate_limit_burst": "512MB",
        "max_global_streams_per_user": 10000,
        "max_line_size": MAX_LINE,
        "max_line_size_truncate": False,
        # A busy stream would else be split by a label of its own.
        "shard_streams": {"enabled": False},
        "allow_structured_metadata": True,
        "discover_log_levels": False,
        "discover_service_name": [],
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [{"action": "index_label", "attributes": list(LABELS)}],
            }
        },
        "max_entries_limit_per_query": 5000,
        "max_query_length": "0s",
        "max_query_parallelism": 4,
        "query_timeout": "2m",
        "split_queries_by_interval": "24h",
        "volume_enabled": True,
    }
