"""Alerts on task pods that are not made, don't come up or are killed, and on their quota."""

from __future__ import annotations

from typing import Final

from monitoring.options import Options
from monitoring.rules import thresholds as least
from monitoring.rules.model import Alert, Group, window
from monitoring.rules.recording_expr import text
from monitoring.rules.recording_pods import state_metric

_CREATIONS: Final = "updraft:pod_creations:increase15m"
_RATIO: Final = "updraft_namespace:quota_used:ratio"


def group(options: Options) -> Group:
    """Return the alerts."""
    return Group(
        "airflow-pods", [*_creation(options), *_start(options), *_end(options), *_quota(options)]
    )


def _events(namespace: str) -> str:
    return f"`kubectl -n {namespace} get events --sort-by=.lastTimestamp`"


def _creation(options: Options) -> list[Alert]:
    tasks = options.tasks
    full = f"max({_RATIO}{{namespace={text(tasks)}}}) >= {least.QUOTA_NEAR}"
    return [
        Alert(
            name="AirflowPodCreationForbidden",
            expr=f'{_CREATIONS}{{status="403"}} >= {least.CREATIONS_REFUSED} unless on () ({full})',
            for_="10m",
            severity="page",
            component="executor",
            summary="Kubernetes forbade {{ $value | humanize }} task pods, and the quota is not"
            " full.",
            description="A role, Pod Security, an admission webhook or a pod that is larger than"
            f" what is left of the quota. `make logs LOG=scheduler` has the API's words; then"
            f" `kubectl -n {tasks} get resourcequota,limitrange`.",
        ),
        Alert(
            name="AirflowPodCreationFailing",
            expr=f'{_CREATIONS}{{status!~"2..|403"}} >= {least.CREATIONS_REFUSED}',
            for_="5m",
            severity="ticket",
            component="executor",
            summary="{{ $value | humanize }} task pods could not be created: {{ $labels.status }}.",
            description="409 is a pod of that name that is there already, 5xx or error the"
            " Kubernetes API itself, another 4xx the pod's own definition. The scheduler asks"
            " again; its log has the API's words: `make logs LOG=scheduler`.",
        ),
    ]


def _start(options: Options) -> list[Alert]:
    tasks = options.tasks
    ours = "|".join((options.control_plane, tasks, options.monitoring))
    pending = state_metric("kube_pod_status_phase", f'phase="Pending", namespace={text(tasks)}')
    created = state_metric("kube_pod_created", f"namespace={text(tasks)}")
    images = 'reason=~"ImagePullBackOff|ErrImagePull|InvalidImageName|ErrImageNeverPull"'
    return [
        Alert(
            name="AirflowTaskPodPending",
            expr=f"max by (namespace, pod) (time() - {created})"
            f" and on (namespace, pod) max by (namespace, pod) ({pending}) == 1"
            " and on (namespace, pod) updraft_pod:task:info",
            for_="10m",
            severity="ticket",
            component="tasks",
            summary="Task pod {{ $labels.pod }} has been pending for"
            " {{ $value | humanizeDuration }}.",
            description="It is counted against the quota and runs nothing. Its last lines say why:"
            " `kubectl -n {{ $labels.namespace }} describe pod {{ $labels.pod }}`.",
        ),
        Alert(
            name="AirflowImagePullFailing",
            expr=f'updraft_namespace:pods_waiting:sum{{namespace=~"{ours}", {images}}} > 0',
            for_="5m",
            severity="page",
            component="image",
            summary="{{ $value | humanize }} pods in {{ $labels.namespace }} can't pull their"
            " image: {{ $labels.reason }}.",
            description="No task with this image starts, or no component comes back. See which"
            f" image, and why: {_events('{{ $labels.namespace }}')}.",
        ),
    ]


def _end(options: Options) -> list[Alert]:
    recent = window("15m", options)
    return [
        Alert(
            name="AirflowTaskOutOfMemory",
            expr=f"max_over_time(updraft_task:pods_out_of_memory:sum[{recent}]) > 0",
            for_="0s",
            severity="ticket",
            component="tasks",
            summary="{{ $value | humanize }} pods of {{ $labels.dag_id }}.{{ $labels.task_id }} ran"
            " out of memory.",
            description="The kernel killed the task, and a retry will end likewise. Give"
            " {{ $labels.task_id }} of {{ $labels.dag_id }} a larger size; `make rightsize` says"
            " which.",
            by_dag=True,
        ),
        Alert(
            name="AirflowPodEvicted",
            expr='updraft_namespace:pods_ended:sum{reason=~"Evicted|NodeLost|NodeAffinity"} > 0',
            for_="0s",
            severity="ticket",
            component="nodes",
            summary="{{ $value | humanize }} pods of {{ $labels.namespace }} lost their node:"
            " {{ $labels.reason }}.",
            description="Its disk or memory ran out, or the node went away; tasks there were"
            f" retried. See {_events('{{ $labels.namespace }}')} and `kubectl describe nodes`.",
        ),
    ]


def _quota(options: Options) -> list[Alert]:
    tasks = options.tasks
    ratio = f"{_RATIO}{{namespace={text(tasks)}}}"
    held = (
        "By design tasks wait then, and don't fail. Who holds it is on the dashboard updraft-pods;"
        f" what it is: `kubectl -n {tasks} describe resourcequota`."
    )
    return [
        Alert(
            name="AirflowQuotaNearlyFull",
            expr=f"{ratio} > {least.QUOTA_NEAR}",
            for_="30m",
            severity="ticket",
            component="quota",
            summary="{{ $value | humanizePercentage }} of the quota of {{ $labels.resource }} is"
            " used.",
            description=f"Before long pods of {tasks} will be refused. {held}",
        ),
        Alert(
            name="AirflowQuotaFull",
            expr=f"{ratio} >= {least.QUOTA_FULL}",
            for_="15m",
            severity="ticket",
            component="quota",
            summary="The quota of {{ $labels.resource }} is full:"
            " {{ $value | humanizePercentage }}.",
            description=f"New pods of {tasks} are refused. {held}",
        ),
    ]
