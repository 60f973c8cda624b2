"""What a deploy waits for is told, and given up with its reason once it is hopeless."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.deploy.waiting import Waiter
from tests.render.platform import Body, Platform, ended, refused, running, waiting
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver


def test_a_failed_job_is_told_at_once_and_runs_again_at_the_next_deploy(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    platform.kubelet({"phase": "Failed"})
    message = refused(lambda: _until_failed(platform))
    assert "has failed: BackoffLimitExceeded" in message
    before = platform.live("job", "migrate")["metadata"]["uid"]
    refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    assert platform.live("job", "migrate")["metadata"]["uid"] != before
    assert any("failed before and runs again" in line for line in platform.said)


def test_a_job_is_done_once_its_pod_has_ended_well_whatever_its_controller_says_yet(
    platform: Platform,
) -> None:
    refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    platform.kubelet(ended(1))
    message = refused(lambda: platform.deploy(platform.job("migrate"), timeout=1))
    assert "1 running" in message
    platform.kubelet(ended(0))
    platform.deploy(platform.job("migrate"))
    status = platform.live("job", "migrate")["status"]
    print(status)
    assert not status.get("conditions"), "the pod's phase is not told yet"


def _until_failed(platform: Platform) -> None:
    waiter = Waiter(platform.kubectl, platform.said.append, 30, interval=0.2)
    waiter.wait([platform.job("migrate")])


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (waiting("InvalidImageName", "invalid reference format"), "image.repository"),
        (waiting("ErrImageNeverPull", "is not present"), "load the image"),
        (
            waiting(
                "CrashLoopBackOff",
                "back-off",
                restartCount=3,
                lastState={"terminated": {"exitCode": 7, "reason": "Error"}},
            ),
            "ended with code 7 (Error)",
        ),
    ],
)
def test_a_hopeless_pod_ends_the_wait_with_its_reason(
    platform: Platform, status: Body, wanted: str
) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(status)
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=60))
    assert "can't become ready" in message
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] in message
    assert wanted in message


def test_a_pod_that_crashed_long_ago_may_crash_once_more(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(waiting("CrashLoopBackOff", "back-off", restartCount=3))
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=5))
    assert "isn't ready after 5 s" in message
    platform.kubelet(running(datetime.now(UTC) - timedelta(minutes=1)))
    platform.deploy(platform.deployment("app"))


def test_a_pod_that_has_only_just_started_is_not_trusted_yet(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(running(datetime.now(UTC)))
    wait_for(
        lambda: platform.live("deployment", "app").get("status", {}).get("availableReplicas"),
        timeout=20,
        what="the Deployment to be available",
    )
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=2))
    assert "1 of 1 ready" in message
    platform.kubelet(running(datetime.now(UTC) - timedelta(minutes=1)))
    platform.deploy(platform.deployment("app"))


def test_a_pod_on_its_way_is_waited_for(platform: Platform) -> None:
    refused(lambda: platform.deploy(platform.deployment("app"), timeout=1))
    platform.kubelet(waiting("ImagePullBackOff", "back-off"))
    message = refused(lambda: platform.deploy(platform.deployment("app"), timeout=2))
    assert "isn't ready after 2 s" in message
    assert "ImagePullBackOff" in message


def test_a_refused_pod_is_told_with_the_refusal(platform: Platform) -> None:
    quota = platform.make("v1", "ResourceQuota", "none", spec={"hard": {"pods": "0"}})
    message = refused(lambda: platform.deploy(quota, platform.deployment("app"), timeout=5))
    assert "FailedCreate" in message
    assert "exceeded quota: none" in message
