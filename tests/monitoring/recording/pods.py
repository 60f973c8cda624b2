"""Series of pods as kube-state-metrics and cAdvisor give them."""

from __future__ import annotations

GIB = 2**30
SPACE = 'namespace="airflow-tasks"'


def running(  # noqa: PLR0913 -- each test turns one of them
    pod: str,
    dag_id: str,
    task_id: str,
    *,
    samples: int = 40,
    phase: str = "Running",
    replicas: tuple[str, ...] = ("a",),
) -> dict[str, str]:
    """Return what kube-state-metrics says of a task's pod that asks for half a core and a GiB.

    Args:
        pod: Its name.
        dag_id: The true id, of its annotation.
        task_id: The same.
        samples: For how many scrapes it is there.
        phase: The phase that it is in all the while.
        replicas: Instances of kube-state-metrics.
    """
    series: dict[str, str] = {}
    # What a target no longer tells of is gone at once.
    for replica in replicas:
        of = f'job="kube-state-metrics", instance="{replica}", {SPACE}, pod="{pod}"'
        asked = f"kube_pod_container_resource_requests{{{of}, container="
        ids = f'annotation_dag_id="{dag_id}", annotation_task_id="{task_id}"'
        series |= {
            f"kube_pod_annotations{{{of}, {ids}}}": f"1x{samples} stale",
            f'{asked}"base", resource="cpu", unit="core"}}': f"0.5x{samples} stale",
            f'{asked}"base", resource="memory", unit="byte"}}': f"{GIB}x{samples} stale",
        }
        for each in ("Pending", "Running", "Succeeded", "Failed"):
            value = int(each == phase)
            series[f'kube_pod_status_phase{{{of}, phase="{each}"}}'] = f"{value}x{samples} stale"
    return series


def using(
    pod: str, *, cpu: str, memory: str, container: str = "base", id_: str = "1"
) -> dict[str, str]:
    """Return what cAdvisor says of a container: counted CPU seconds, and bytes of memory."""
    of = f'job="kubelet", metrics_path="/metrics/cadvisor", {SPACE}, pod="{pod}"'
    of += f', container="{container}", id="{id_}"'
    return {
        f"container_cpu_usage_seconds_total{{{of}}}": cpu,
        f"container_memory_working_set_bytes{{{of}}}": memory,
    }
