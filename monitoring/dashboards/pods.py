"""Task pods and quota: what they asked for, what they used, what held them up or killed them."""

from __future__ import annotations

from monitoring.dashboards.common import (
    BAD,
    BY_TASK,
    CORES,
    DAG,
    FULLNESS,
    TASK,
    largest_over_range,
    runbook,
    see_row,
)
from monitoring.dashboards.model import Column, Dashboard, Row
from monitoring.dashboards.panels import bars, table, timeseries
from monitoring.options import Options

# CPU is known from the second scrape of a pod on.
_LONG = "a task that runs for a minute"
_PHASES = {"Running": "green", "Pending": "orange", "Failed": "red", "Succeeded": "blue"}


def dashboard(options: Options) -> Dashboard:
    """Return the dashboard."""
    return Dashboard(
        "updraft-pods",
        "Updraft: task pods and quota",
        "What task pods asked for and used, and what held them up or killed them.",
        [_quota(options), _pods(options), _use(), _trouble(options)],
        [DAG, TASK],
    )


def _quota(options: Options) -> Row:
    here = f'namespace="{options.tasks}"'
    return Row(
        "Quota of the tasks",
        [
            bars(
                "Quota taken",
                "percentunit",
                "How much of each limit is taken now; at 100 % pods wait.",
                {"{{resource}}": f"updraft_namespace:quota_used:ratio{{{here}}}"},
                thresholds=FULLNESS,
                largest=1,
                width=8,
                links=[runbook(options, "AirflowQuotaNearlyFull")],
            ),
            timeseries(
                "Quota taken over time",
                "percentunit",
                "The same over time; a flat line at 100 % is a backlog.",
                {"{{resource}}": f"updraft_namespace:quota_used:ratio{{{here}}}"},
                thresholds=FULLNESS,
                width=8,
            ),
            timeseries(
                "Pods refused",
                "cps",
                "Creations that Kubernetes refused; the scheduler asks again, so tasks wait.",
                {"{{status}}": 'updraft:pod_creations:rate5m{status!="200"}'},
                width=8,
                only_on_failure="a fan-out larger than the quota",
                links=[runbook(options, "AirflowQuotaBacklog")],
            ),
        ],
    )


def _pods(options: Options) -> Row:
    here = f'namespace="{options.tasks}"'
    return Row(
        "Pods",
        [
            timeseries(
                "Task pods by phase",
                "short",
                "Pods in the tasks' namespace; finished ones stay a while for their logs.",
                {"{{phase}}": f"updraft_namespace:pods:sum{{{here}}}"},
                stacked=True,
                colors=_PHASES,
            ),
            timeseries(
                "Why pods wait",
                "short",
                "Containers that can't start yet, by reason, and pods that no node has room for.",
                {
                    "{{reason}}": f"updraft_namespace:pods_waiting:sum{{{here}}}",
                    "no node": f"updraft_namespace:pods_unschedulable:sum{{{here}}}",
                },
                stacked=True,
                faults={"{{reason}}": "an image that can't be pulled"},
                links=[runbook(options, "AirflowTaskPodPending")],
            ),
            timeseries(
                "Pods of the platform by phase",
                "short",
                "Pods of the control plane and of what watches it.",
                {
                    "{{namespace}} {{phase}}": "updraft_namespace:pods:sum"
                    f'{{namespace=~"{options.control_plane}|{options.monitoring}"}} > 0'
                },
                width=8,
            ),
            timeseries(
                "Task pods running",
                "short",
                "Running pods by task.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:pods_running:sum{{{BY_TASK}}}"},
                stacked=True,
                width=16,
            ),
        ],
    )


def _use() -> Row:
    return Row(
        "Used against requested",
        [
            timeseries(
                "CPU in cores",
                CORES,
                "Cores that running task pods asked for, and that they use.",
                {
                    "requested": f"sum(updraft_task:cpu_requested_cores:sum{{{BY_TASK}}})",
                    "used": f"sum(updraft_task:cpu_used_cores:sum{{{BY_TASK}}})",
                },
                faults={"used": _LONG},
            ),
            timeseries(
                "Memory",
                "bytes",
                "Memory that running task pods asked for, and that they use.",
                {
                    "requested": f"sum(updraft_task:memory_requested_bytes:sum{{{BY_TASK}}})",
                    "used": f"sum(updraft_task:memory_used_bytes:sum{{{BY_TASK}}})",
                },
            ),
            table(
                "By task, the most in the time range",
                "short",
                "The most that all pods of a task together held at once; to size one pod, see"
                " Rightsizing.",
                {
                    "pods": _most("pods_running"),
                    "CPU requested": _most("cpu_requested_cores"),
                    "CPU used": _most("cpu_used_cores"),
                    "memory requested": _most("memory_requested_bytes"),
                    "memory used": _most("memory_used_bytes"),
                },
                [
                    Column("dag_id", "dag_id", link=see_row("updraft-dags", "DAG", "dag_id")),
                    Column(
                        "task_id",
                        "task_id",
                        link=see_row("updraft-rightsize", "Rightsizing", "dag_id", "task_id"),
                    ),
                    Column("Value #A", "Pods", "short"),
                    Column("Value #B", "Cores requested", CORES),
                    Column("Value #C", "Cores used", CORES),
                    Column("Value #D", "Memory requested", "bytes"),
                    Column("Value #E", "Memory used", "bytes"),
                ],
                height=10,
                faults={"CPU used": _LONG},
            ),
        ],
    )


def _most(name: str) -> str:
    return largest_over_range(f"updraft_task:{name}:sum{{{BY_TASK}}}", "dag_id, task_id")


def _trouble(options: Options) -> Row:
    return Row(
        "Trouble",
        [
            timeseries(
                "Throttled",
                "percentunit",
                "Share of the time in which a task's containers wanted more CPU than their limit.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:cpu_throttled:ratio5m{{{BY_TASK}}}"},
                largest=1,
                width=8,
                thresholds=FULLNESS,
                only_on_failure="a task with a CPU limit that computes for 30 s",
            ),
            timeseries(
                "Out of memory",
                "short",
                "Pods killed because they took more memory than their limit, until they are"
                " deleted.",
                {"{{dag_id}} {{task_id}}": f"updraft_task:pods_out_of_memory:sum{{{BY_TASK}}}"},
                width=8,
                colors={".*": BAD},
                only_on_failure="a task that takes more memory than its limit",
                links=[runbook(options, "AirflowTaskOutOfMemory")],
            ),
            timeseries(
                "Evicted and the like",
                "short",
                "Pods that ended as a whole, by reason.",
                {
                    "{{namespace}} {{reason}}": "updraft_namespace:pods_ended:sum > 0",
                },
                width=8,
                colors={".*": BAD},
                only_on_failure="a pod that its node evicts",
                links=[runbook(options, "AirflowPodEvicted")],
            ),
        ],
    )
