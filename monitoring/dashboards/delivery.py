"""Git and DAG delivery: which commit runs, whether files are read, how long that takes."""

from __future__ import annotations

from monitoring.dashboards.common import ANY_IS_BAD, BAD, WARN, runbook
from monitoring.dashboards.model import Column, Dashboard, Row
from monitoring.dashboards.panels import logs, stat, table, timeseries
from monitoring.options import Options


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-delivery",
        "Updraft: Git and DAG delivery",
        "Which commit runs, whether DAG files are read, and how long that takes.",
        [_commits(options), _parsing(options), _lines(options)],
    )


def _commits(options: Options) -> Row:
    tasks = (
        f'{{k8s_namespace_name="{options.tasks}"}} |= `"updraft.resources"` | json commit="commit"'
    )
    return Row(
        "Commits",
        [
            stat(
                "DAG files that can't be read",
                "short",
                "Files with an import error; their DAGs are not updated, or are not there.",
                "updraft:import_errors:max",
                thresholds=ANY_IS_BAD,
                links=[runbook(options, "AirflowDagImportErrors")],
            ),
            stat(
                "DAGs",
                "short",
                "DAGs that run by their schedule, and those that are paused.",
                {"paused: {{paused}}": 'sum by (paused) (updraft_dags{job="airflow-exporter"})'},
                width=8,
            ),
            timeseries(
                "Since the last look at Git",
                "s",
                "How long ago each bundle was brought up to date.",
                {
                    "{{bundle}}": "max by (bundle)"
                    ' (updraft_dag_bundle_refresh_age_seconds{job="airflow-exporter"})'
                },
                thresholds={300: WARN, 900: BAD},
                links=[runbook(options, "AirflowDagBundleStale")],
            ),
            table(
                "Commits of the bundles",
                "short",
                "What the DAG processor reads now.",
                'max by (bundle, commit) (updraft_dag_bundle_info{job="airflow-exporter"})',
                [Column("bundle", "Bundle"), Column("commit", "Commit")],
                width=12,
            ),
            table(
                "Commits that tasks ran",
                "short",
                "Tries in the time range by the commit of their DAG files; a run keeps the one"
                " that it began with.",
                f"sum by (commit) (count_over_time({tasks} [$__range]))",
                [Column("commit", "Commit"), Column("Value #A", "Tries", "short")],
                source="loki",
                width=12,
            ),
        ],
    )


def _parsing(options: Options) -> Row:
    return Row(
        "Parsing",
        [
            timeseries(
                "Time to parse a file, 95 %",
                "s",
                "The time that 95 % of a file's parsings did not exceed; Airflow stops one after"
                " 50 s.",
                {"{{file_name}}": "updraft_file:parse_seconds:p95"},
                thresholds={30: BAD},
                links=[runbook(options, "AirflowDagParseSlow")],
            ),
            timeseries(
                "Files parsed",
                "cps",
                "How often each file is read.",
                {"{{file_name}}": "updraft_file:parses:rate5m"},
            ),
            timeseries(
                "All files once",
                "s",
                "Time of a round through all files: a change is seen no sooner.",
                {"a round": "updraft:parse_all_seconds:max"},
                width=8,
            ),
            timeseries(
                "Files that wait",
                "short",
                "Files in the queue to be parsed.",
                {"files": "updraft:parse_queue:max"},
                width=8,
            ),
            timeseries(
                "Parsing and callbacks that failed",
                "cps",
                "Files that took too long, and callbacks that raised an error.",
                {
                    "took too long": "updraft:parse_timeouts:rate5m",
                    "callback failed": "updraft:callback_errors:rate5m",
                },
                width=8,
                only_on_failure="a DAG file that sleeps while it is imported",
                faults={"callback failed": "a callback of a run that raises an error"},
                links=[runbook(options, "AirflowDagParseTimeout")],
            ),
        ],
    )


def _lines(options: Options) -> Row:
    here = f'k8s_namespace_name="{options.control_plane}"'
    return Row(
        "Lines",
        [
            logs(
                "git-sync",
                "What the containers that bring DAG files wrote.",
                f'{{{here}, k8s_container_name=~"git-sync.*"}}',
                width=12,
            ),
            logs(
                "DAG processor's errors",
                "Why a file could not be read.",
                f'{{{here}, component="dag-processor"}} | level=~"(?i)(error|critical|fatal)"',
                width=12,
                only_on_failure="a DAG file with an error",
            ),
        ],
    )
