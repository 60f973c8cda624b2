"""Logs: how many, which are errors, whether they arrive, and the search for a task's lines."""

from __future__ import annotations

from monitoring.dashboards.common import BAD, DAG, namespaces, runbook
from monitoring.dashboards.model import Dashboard, Row, Variable
from monitoring.dashboards.panels import logs, stat, timeseries
from monitoring.loki import ROUTES
from monitoring.options import Options

_COMPONENT = Variable(
    "component", "Component", "Regular expression of the components to look at, such as task"
)
_TASK = Variable("task_id", "Task", "Regular expression of task ids")
_RUN = Variable("run_id", "Run", "How the run's id begins; empty for any", default="")
_TRY = Variable("try_number", "Try", "Regular expression of a try's number")
_MAP = Variable("map_index", "Map index", "Regular expression; -1 is a task that is not mapped")
_SEARCH = Variable("search", "Text", "Regular expression that a line has to hold", default="")

# A run's id has a + in it, which would be taken for a regular expression's.
_IDS = (
    ' | dag_id=~"$dag_id" | task_id=~"$task_id" | run_id=~`${run_id:regex}.*`'
    ' | try_number=~"$try_number" | map_index=~"$map_index"'
)
_ERRORS = ' | level=~"(?i)(error|critical|fatal)"'


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-logs",
        "Updraft: logs",
        "Lines of every component and task: search, volume, errors, and whether they arrive.",
        [_search(options), _volume(options), _delivery(options)],
        [_COMPONENT, DAG, _TASK, _RUN, _TRY, _MAP, _SEARCH],
        time_from="now-1h",
    )


def _streams(options: Options) -> str:
    return f'{{k8s_namespace_name=~"{namespaces(options)}", component=~"$component"}}'


def _search(options: Options) -> Row:
    streams = _streams(options)
    return Row(
        "Lines",
        [
            logs(
                "Lines",
                "What the chosen components, tasks and tries wrote, the newest first.",
                f"{streams}{_IDS} |~ `$search`",
                height=16,
            ),
            logs(
                "Errors",
                "Of these, errors.",
                f"{streams}{_IDS}{_ERRORS} |~ `$search`",
                only_on_failure="a task that fails",
            ),
        ],
    )


def _volume(options: Options) -> Row:
    streams = _streams(options)
    return Row(
        "Volume",
        [
            timeseries(
                "Lines by component",
                "cps",
                "Lines a second.",
                {"{{component}}": f"sum by (component) (rate({streams}[$__auto]))"},
                source="loki",
                stacked=True,
            ),
            timeseries(
                "Bytes by component",
                "Bps",
                "Bytes of lines a second; the components that fill Loki's disk.",
                {"{{component}}": f"sum by (component) (bytes_rate({streams}[$__auto]))"},
                source="loki",
                stacked=True,
            ),
            timeseries(
                "Errors by component",
                "cps",
                "Lines a second of level error or worse.",
                {"{{component}}": f"sum by (component) (rate({streams}{_ERRORS}[$__auto]))"},
                source="loki",
                stacked=True,
                only_on_failure="a task that fails",
            ),
            timeseries(
                "Lines of tasks by DAG",
                "cps",
                "Lines a second of the chosen DAGs' tasks.",
                {"{{dag_id}}": f'sum by (dag_id) (rate({streams}{_IDS} | dag_id!="" [$__auto]))'},
                source="loki",
                stacked=True,
            ),
        ],
    )


def _delivery(options: Options) -> Row:
    # A Loki that is down loses none: they wait, and come later.
    lost = {
        "refused by the collector": "updraft:log_lines_refused:rate5m",
        "given up": "updraft:log_lines_unsent:rate5m",
        "no room to wait": "updraft:log_lines_unqueued:rate5m",
        "refused by Loki: {{reason}}": "updraft:log_lines_discarded:rate5m",
    }
    return Row(
        "Do they arrive?",
        [
            timeseries(
                "On their way",
                "cps",
                "Lines that collectors read from the nodes, sent, and that Loki took.",
                {
                    "read": "updraft:log_lines_read:rate5m",
                    "sent": "updraft:log_lines_sent:rate5m",
                    "stored": "updraft:log_lines_stored:rate5m",
                },
                width=10,
                links=[runbook(options, "AirflowLogsDelayed")],
            ),
            timeseries(
                "Lost on the way",
                "cps",
                "Lines that did not go on, and why; while Loki is down they wait and are not lost.",
                lost,
                width=10,
                colors={".*": BAD},
                only_on_failure="a line that Loki refuses, such as one that is too old",
                faults={
                    "refused by the collector": "a collector at its limit of memory",
                    "given up": "a gateway that refuses every line",
                    "no room to wait": "a disk of a node that is full while Loki is down",
                },
                links=[runbook(options, "AirflowCollectorDropsLogs")],
            ),
            stat(
                "Waiting to be sent",
                "bytes",
                "Lines in the collectors' queues on disk; they are sent once Loki answers.",
                'sum(otelcol_exporter_queue_size{job="collector"})',
                height=8,
            ),
            timeseries(
                "Loki's answers",
                "reqps",
                "Lines brought to Loki and questions put to it, by their outcome.",
                {
                    "{{status_code}}": "sum by (status_code)"
                    ' (rate(loki_request_duration_seconds_count{job="loki",'
                    f' route=~"{ROUTES}"}}[$__rate_interval]))'
                },
                colors={"5..": BAD},
            ),
            timeseries(
                "Streams in Loki's memory",
                "short",
                "Streams that Loki writes to; a run or a task adds none.",
                {"streams": 'sum(loki_ingester_memory_streams{job="loki"})'},
            ),
        ],
    )
