"""A Job is done once as many of its pods as it wants have ended well, by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deploy.readiness import state

LABELS = {"batch.kubernetes.io/controller-uid": "1"}


def job(*conditions: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {
        "kind": "Job",
        "metadata": {"name": "migrate"},
        "spec": {"selector": {"matchLabels": LABELS}, **spec},
        "status": {"active": 1, "conditions": list(conditions)},
    }


def pod(*codes: int | None, phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    """A pod whose containers have ended with these codes; None: it still runs."""
    states: list[dict[str, Any]] = [
        {"running": {}} if code is None else {"terminated": {"exitCode": code}} for code in codes
    ]
    return {
        "metadata": {"name": "migrate-1", "labels": LABELS, **metadata},
        "spec": {"containers": [{"name": str(number)} for number in range(max(len(codes), 1))]},
        "status": {"phase": phase, "containerStatuses": [{"state": each} for each in states]},
    }


FAILED = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
COMPLETE = {"type": "Complete", "status": "True"}


@pytest.mark.parametrize(
    ("live", "pods", "ready"),
    [
        (job(), [pod(0)], True),
        (job(), [pod(1), pod(0)], True),
        (job(), [pod(0, 0)], True),
        (job(COMPLETE), [], True),
        (job(), [], False),
        (job(), [pod()], False),
        (job(), [pod(None)], False),
        (job(), [pod(0, None)], False),
        (job(), [pod(0, 1)], False),
        (job(), [pod(0, phase="Failed")], False),
        (job(), [pod(0, deletionTimestamp="2026-11-30T00:00:00Z")], False),
        (job(), [pod(0, labels={"batch.kubernetes.io/controller-uid": "2"})], False),
        (job(completions=2), [pod(0)], False),
        (job(completions=2), [pod(0), pod(0)], True),
    ],
)
def test_a_job_is_done_by_its_pods(
    live: dict[str, Any], pods: list[dict[str, Any]], ready: bool
) -> None:
    found = state(live, pods)
    print(found)
    assert found.ready is ready
    assert not found.failed


def test_a_job_that_has_failed_is_not_done_whatever_its_pods_say() -> None:
    found = state(job(FAILED), [pod(0)])
    assert not found.ready
    assert "DeadlineExceeded" in found.failed
