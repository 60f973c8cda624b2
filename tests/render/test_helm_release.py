"""Records of Helm that stop `pulumi up`: the platform's own are mended, others' are left alone."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable

import pytest

from infra.deploy import helm_release
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
from infra.render.resource import RELEASE
from infra.values import names
from tests.render.foreign import Foreign, unchanged
from tests.render.platform import Platform

pytestmark = pytest.mark.apiserver
Record = Callable[..., str]
STATE = State({"deployment": {"resources": [{"urn": "release", "type": RELEASE, "id": "a/b"}]}})


@pytest.fixture
def record(platform: Platform, foreign: Foreign) -> Record:
    """Make a record as Helm does, of a status and of a release's label."""
    platform.deploy()

    def make(status: str, labels: dict[str, str] | None, version: int = 1) -> str:
        release = {"name": "airflow", "config": {"labels": labels} if labels else {}}
        packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
        body = platform.make(
            "v1", "Secret", f"sh.helm.release.v1.airflow.v{version}",
            type="helm.sh/release.v1",
            data={"release": base64.b64encode(packed).decode()},
        )  # fmt: skip
        foreign.copy(body, owner="helm", name=names.RELEASE, status=status, version=str(version))
        return body.identity.name

    return make


def mend(platform: Platform, *, known: bool) -> None:
    state = STATE if known else State({})
    found = helm_release.stale(state, platform.kubectl, platform.owner)
    helm_release.remove(found, platform.kubectl, platform.owner, platform.said.append)


def own(platform: Platform) -> dict[str, str]:
    return platform.owner.label


def test_the_record_of_a_killed_install_is_removed(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    name = record("pending-install", own(platform))
    foreign.made.clear()
    mend(platform, known=False)
    assert platform.there("secrets") == set()
    assert any(name in line for line in platform.said)


def test_one_of_version_0_1_is_mended_where_the_state_knows_it(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    record("pending-upgrade", None)
    with pytest.raises(UpdraftError, match="is somebody else's"):
        mend(platform, known=False)
    foreign.made.clear()
    mend(platform, known=True)
    assert platform.there("secrets") == set()


@pytest.mark.parametrize("status", ["deployed", "pending-install", "failed"])
@pytest.mark.parametrize("owner", ["", "other"])
def test_a_release_of_others_is_refused_and_left_alone(
    platform: Platform, foreign: Foreign, record: Record, status: str, owner: str
) -> None:
    record(status, {names.OWNER: owner} if owner else None)
    with unchanged(foreign), pytest.raises(UpdraftError) as caught:
        mend(platform, known=False)
    whose = f"the platform {owner}'s" if owner else "somebody else's"
    assert whose in caught.value.what
    assert "helm -n" in caught.value.fix


def test_a_healthy_release_that_the_state_lost_is_left_to_be_imported(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    assert not helm_release.is_deployed(platform.ownership)
    record("deployed", own(platform))
    with unchanged(foreign):
        mend(platform, known=False)
        mend(platform, known=True)
    assert helm_release.is_deployed(platform.ownership)


@pytest.mark.parametrize("labels", [None, {names.OWNER: "other"}])
def test_a_release_of_others_is_not_for_import(
    platform: Platform, record: Record, labels: dict[str, str] | None
) -> None:
    record("deployed", labels)
    assert not helm_release.is_deployed(platform.ownership)


def test_whose_a_release_is_its_newest_revision_says(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    for version in range(8, 10):  # as text, 10 comes before 8
        record("superseded", None, version)
    record("deployed", own(platform), 10)
    with unchanged(foreign):
        mend(platform, known=False)
    record("deployed", {names.OWNER: "other"}, 11)
    with unchanged(foreign), pytest.raises(UpdraftError, match="the platform other's"):
        mend(platform, known=True)


def test_what_failed_and_the_state_does_not_know_is_removed(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    record("failed", own(platform))
    foreign.made.clear()
    mend(platform, known=False)
    assert platform.there("secrets") == set()
    deployed = record("deployed", own(platform), 3)
    record("failed", own(platform), 4)
    foreign.made.pop()
    mend(platform, known=False)
    assert platform.there("secrets") == {deployed}
    failed = record("failed", own(platform), 5)
    mend(platform, known=True)  # Helm upgrades what has failed
    assert platform.there("secrets") == {deployed, failed}
