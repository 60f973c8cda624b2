"""Alerts on DAG files: those that can't be read, are slow to read, or don't arrive."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group
from monitoring.rules.recording_expr import EXPORTER


def group(_: Options) -> Group:
    """Return the alerts."""
    return Group("airflow-parsing", [*_imports(), *_limits()])


def _imports() -> list[Alert]:
    return [
        Alert(
            name="AirflowDagImportErrors",
            expr="updraft:import_errors:max > 0",
            for_="5m",
            severity="ticket",
            component="dag-processor",
            summary="DAG files that can't be imported: {{ $value | humanize }}.",
            description="Their DAGs keep running as they were last read, if ever. `make status`"
            " prints each file and its error; revert the push or mend it.",
        ),
        Alert(
            name="AirflowDagBundleStale",
            expr=f"max by (bundle) (updraft_dag_bundle_refresh_age_seconds{{{EXPORTER}}})"
            f" > {least.BUNDLE_AGE_SECONDS}",
            for_="5m",
            severity="ticket",
            component="git-sync",
            summary="DAG bundle {{ $labels.bundle }} was refreshed"
            " {{ $value | humanizeDuration }} ago.",
            description="What is pushed to {{ $labels.bundle }} does not arrive; the DAGs run as"
            " they were. Look at `make logs LOG=git-sync` and LOG=dag-processor.",
        ),
    ]


def _limits() -> list[Alert]:
    return [
        Alert(
            name="AirflowDagParseSlow",
            expr=f"updraft_file:parse_seconds:mean10m > {least.PARSE_SECONDS}",
            for_="10m",
            severity="ticket",
            component="dag-processor",
            summary="DAG file {{ $labels.file_name }} takes {{ $value | humanizeDuration }} to"
            " import.",
            description="At 30 s Airflow gives up on {{ $labels.file_name }} of bundle"
            " {{ $labels.bundle_name }}. Move imports and calls out of its top level:"
            " `make lint-dags` finds them.",
        ),
        Alert(
            name="AirflowDagParseTimeout",
            expr="updraft:parse_timeouts:increase30m > 0",
            for_="0s",
            severity="ticket",
            component="dag-processor",
            summary="Importing {{ $labels.file_path }} was cut off {{ $value | humanize }} times.",
            description="It took longer than [dag_processor] dag_file_processor_timeout, so what"
            " was pushed of {{ $labels.file_path }} is not in effect."
            " Look at `make logs LOG=dag-processor`.",
        ),
    ]
