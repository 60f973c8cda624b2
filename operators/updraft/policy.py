"""Refuses at parse time a pod of an author's own making that the quota could never hold."""

from __future__ import annotations

from typing import Any

from airflow.policies import hookimpl

from updraft.errors import UpdraftError
from updraft.sizes import Resources, refuse_above_quota


@hookimpl
def task_policy(task: Any) -> None:
    """Check a task's `pod_override` against the quota, wherever it comes from.

    Args:
        task: Any task of a DAG that Airflow has just parsed.

    Raises:
        AirflowClusterPolicyViolation: Its pod could never run; the UI shows it as the DAG's error.
    """
    pod = (task.executor_config or {}).get("pod_override")
    if pod is None or pod.spec is None:
        return
    try:
        refuse_above_quota(
            (_resources(each) for each in pod.spec.containers or []),
            f"DAG {task.dag_id}, task {task.task_id}: executor_config's pod_override",
        )
    except UpdraftError as error:
        from airflow.exceptions import AirflowClusterPolicyViolation  # noqa: PLC0415 -- heavy

        raise AirflowClusterPolicyViolation(str(error)) from error


def _resources(container: Any) -> Resources:
    stated = container.resources
    return {
        "requests": (stated and stated.requests) or {},
        "limits": (stated and stated.limits) or {},
    }
