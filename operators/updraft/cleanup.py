"""Deletes task pods that finished a while ago; `python -m updraft.cleanup --help` tells how."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

# Every pod of the KubernetesExecutor bears this label, and nothing else is touched.
TASK_PODS = "kubernetes_executor=True"
FINISHED = ("Succeeded", "Failed")
PAGE = 200


class Pods(Protocol):
    """What this needs of kubernetes.client.CoreV1Api."""

    def list_namespaced_pod(self, namespace: str, **options: Any) -> Any:
        """List pods of a namespace."""

    def delete_namespaced_pod(self, name: str, namespace: str, **options: Any) -> Any:
        """Delete a pod."""


def finished_at(pod: Any) -> datetime:
    """When the pod's last container ended; when the pod was made where no container ever ran."""
    statuses = [*(pod.status.container_statuses or []), *(pod.status.init_container_statuses or [])]
    ends = [each.state.terminated.finished_at for each in statuses if each.state.terminated]
    made: datetime = pod.metadata.creation_timestamp
    return max([end for end in ends if end], default=made)


def finished_pods(pods: Pods, namespace: str) -> Iterator[Any]:
    """Yield the namespace's task pods that have succeeded or failed, fetched in pages."""
    for phase in FINISHED:
        token: str | None = None
        while token != "":
            page = pods.list_namespaced_pod(
                namespace,
                label_selector=TASK_PODS,
                field_selector=f"status.phase={phase}",
                limit=PAGE,
                _continue=token,
            )
            yield from page.items
            token = page.metadata._continue or ""


def clean(pods: Pods, namespace: str, older_than: timedelta, now: datetime) -> tuple[int, int]:
    """Delete the task pods that finished longer ago than `older_than`.

    Args:
        pods: The API, as kubernetes.client.CoreV1Api has it.
        namespace: Where the task pods are.
        older_than: Age, counted from the pod's end.
        now: The present time, with a time zone.

    Returns:
        How many were deleted, and how many finished ones stay.

    Raises:
        kubernetes.client.ApiException: The API refused; a pod that is gone already is no error.
    """
    from kubernetes.client import ApiException  # noqa: PLC0415 -- 0.3 s, and not every import needs it

    deleted = kept = 0
    for pod in finished_pods(pods, namespace):
        if now - finished_at(pod) <= older_than:
            kept += 1
            continue
        try:
            pods.delete_namespaced_pod(pod.metadata.name, namespace, grace_period_seconds=0)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        deleted += 1
    return deleted, kept


def main(arguments: list[str] | None = None) -> int:
    """Run once, by the pod's ServiceAccount; return the exit code."""
    parser = argparse.ArgumentParser(prog="updraft.cleanup", description=__doc__)
    parser.add_argument("--namespace", required=True, help="where the task pods are")
    parser.add_argument("--older-than", required=True, type=float, metavar="MINUTES")
    options = parser.parse_args(arguments)
    if options.older_than < 0:
        parser.error("--older-than must not be negative")

    from kubernetes import client, config  # noqa: PLC0415 -- as above

    config.load_incluster_config()
    deleted, kept = clean(
        client.CoreV1Api(),
        options.namespace,
        timedelta(minutes=options.older_than),
        datetime.now(tz=UTC),
    )
    print(f"namespace {options.namespace}: deleted {deleted} finished task pods, kept {kept}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
