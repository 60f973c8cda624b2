"""Recording rules of pods and quota: what tasks asked for, what they used, what held them up."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules import recording_cost
from monitoring.rules.model import Group, Record
from monitoring.rules.recording_expr import WINDOW, short_window, text

_TASK = "dag_id, task_id"
_OF_TASK = f"* on (namespace, pod) group_left ({_TASK}) updraft_pod:task:info"


def groups(options: Options) -> list[Group]:
    """Return the groups of recording rules."""
    return [
        Group("updraft.pods", _states(options)),
        Group("updraft.quota", _quota(options)),
        # What each pod holds, and what that costs, of the same moment.
        Group(
            "updraft.pod-resources",
            [*_pods(options), *_tasks(options), *recording_cost.rules(options)],
        ),
    ]


def state_metric(name: str, matchers: str) -> str:
    """Return a selector of kube-state-metrics."""
    return f'{name}{{job="kube-state-metrics", {matchers}}}'


def _states(options: Options) -> list[Record]:
    ours = text("|".join((options.control_plane, options.tasks, options.monitoring)))
    spaces = f"namespace=~{ours}"

    def count(metric: str, label: str) -> str:
        # With a second replica of kube-state-metrics, each pod is there twice.
        pods = f"max by (namespace, pod, {label}) ({state_metric(metric, spaces)})"
        return f"sum by (namespace, {label}) ({pods})"

    return [
        Record("updraft_namespace:pods:sum", count("kube_pod_status_phase", "phase")),
        Record(
            "updraft_namespace:pods_waiting:sum",
            count("kube_pod_container_status_waiting_reason", "reason"),
        ),
        # Evicted and the like: why the whole pod, not a container, came to its end.
        Record("updraft_namespace:pods_ended:sum", count("kube_pod_status_reason", "reason")),
        Record(
            "updraft_namespace:pods_unschedulable:sum",
            "sum by (namespace) (max by (namespace, pod) ("
            f'{state_metric("kube_pod_status_scheduled", f"""condition="false", {spaces}""")}))',
        ),
    ]


def _cadvisor(name: str, options: Options) -> str:
    # An empty container is the whole pod's cgroup, POD the one that holds its network.
    where = f'namespace={text(options.tasks)}, container!~"|POD"'
    return f'{name}{{job="kubelet", metrics_path="/metrics/cadvisor", {where}}}'


def _info(options: Options) -> str:
    """The task of each task pod, by its true ids: what Kubernetes' labels hold is mangled."""
    found = state_metric(
        "kube_pod_annotations", f'namespace={text(options.tasks)}, annotation_dag_id!=""'
    )
    for label in ("dag_id", "task_id"):
        found = f'label_replace({found}, "{label}", "$1", "annotation_{label}", "(.*)")'
    # One series a pod, whatever replicas of kube-state-metrics say: a second one would make every
    # join an error.
    return f"topk by (namespace, pod) (1, max by (namespace, pod, {_TASK}) ({found}))"


def _pods(options: Options) -> list[Record]:
    tasks = f"namespace={text(options.tasks)}"
    window = short_window(options)
    phase = state_metric("kube_pod_status_phase", f'phase="Running", {tasks}')
    # A finished pod is listed until it is deleted, but holds nothing.
    running = "and on (namespace, pod) updraft_pod:running:info"

    def requested(resource: str) -> str:
        asked = state_metric(
            "kube_pod_container_resource_requests", f'resource="{resource}", {tasks}'
        )
        once = f"max by (namespace, pod, container) ({asked})"
        return f"sum by (namespace, pod) ({once}) {running}"

    cpu = _cadvisor("container_cpu_usage_seconds_total", options)
    # A container that was restarted has two series for a while, one of them past.
    memory = (
        "max by (namespace, pod, container)"
        f" ({_cadvisor('container_memory_working_set_bytes', options)})"
    )
    return [
        Record("updraft_pod:task:info", _info(options)),
        Record("updraft_pod:running:info", f"max by (namespace, pod) ({phase}) == 1"),
        Record("updraft_pod:cpu_requested_cores:sum", requested("cpu")),
        Record("updraft_pod:memory_requested_bytes:sum", requested("memory")),
        Record(
            "updraft_pod:cpu_used_cores:rate",
            f"sum by (namespace, pod) (rate({cpu}[{window}])) {running}",
        ),
        Record(
            "updraft_pod:memory_used_bytes:sum", f"sum by (namespace, pod) ({memory}) {running}"
        ),
    ]


def _tasks(options: Options) -> list[Record]:
    sums = {
        "cpu_requested_cores": "updraft_pod:cpu_requested_cores:sum",
        "memory_requested_bytes": "updraft_pod:memory_requested_bytes:sum",
        "cpu_used_cores": "updraft_pod:cpu_used_cores:rate",
        "memory_used_bytes": "updraft_pod:memory_used_bytes:sum",
        "pods_running": "updraft_pod:running:info",
    }

    def periods(which: str) -> str:
        rate = f"rate({_cadvisor(f'container_cpu_cfs_{which}_total', options)}[{WINDOW}])"
        return f"sum by ({_TASK}) (sum by (namespace, pod) ({rate}) {_OF_TASK})"

    killed = state_metric(
        "kube_pod_container_status_terminated_reason",
        f'reason="OOMKilled", namespace={text(options.tasks)}',
    )
    return [
        *(
            Record(f"updraft_task:{name}:sum", f"sum by ({_TASK}) ({pods} {_OF_TASK})")
            for name, pods in sums.items()
        ),
        *(
            Record(f"updraft_dag:{name}:sum", f"sum by (dag_id) (updraft_task:{name}:sum)")
            for name in sums
        ),
        Record(
            f"updraft_task:cpu_throttled:ratio{WINDOW}",
            f"{periods('throttled_periods')} / ({periods('periods')} > 0)",
        ),
        Record(
            "updraft_task:pods_out_of_memory:sum",
            f"sum by ({_TASK}) (max by (namespace, pod) ({killed}) {_OF_TASK}) > 0",
        ),
    ]


def _quota(options: Options) -> list[Record]:
    spaces = text("|".join((options.control_plane, options.tasks, options.monitoring)))
    quota = state_metric("kube_resourcequota", f"namespace=~{spaces}")
    by = "namespace, resourcequota, resource"
    recorded = "updraft_namespace:quota:max"
    return [
        Record(recorded, f"max by ({by}, type) ({quota})"),
        Record(
            "updraft_namespace:quota_used:ratio",
            f'sum by ({by}) ({recorded}{{type="used"}})'
            f' / (sum by ({by}) ({recorded}{{type="hard"}}) > 0)',
        ),
    ]
