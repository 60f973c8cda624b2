"""Records of Helm that stop `pulumi up`: the platform's own are mended, others' are left alone."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable

import pytest

from infra.deploy import helm_release
from infra.errors import UpdraftError
from infra.values import names
from tests.render.foreign import Foreign, unchanged
from tests.render.platform import Platform

pytestmark = pytest.mark.apiserver
Record = Callable[[str, dict[str, str] | None], str]


@pytest.fixture
def record(platform: Platform, foreign: Foreign) -> Record:
    """Make a record as Helm does, of a status and of a release's label."""
    platform.deploy()

    def make(status: str, labels: dict[str, str] | None) -> str:
        release = {"name": "airflow", "config": {"labels": labels} if labels else {}}
        packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
        body = platform.make(
            "v1", "Secret", "sh.helm.release.v1.airflow.v1",
            type="helm.sh/release.v1",
            data={"release": base64.b64encode(packed).decode()},
        )  # fmt: skip
        foreign.copy(body, owner="helm", name=names.RELEASE, status=status)
        return body.identity.name

    return make


def mend(platform: Platform, *, known: bool) -> None:
    helm_release.mend(
        known=known,
        kubectl=platform.kubectl,
        owner=platform.owner,
        output=platform.said.append,
    )


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


def test_a_healthy_release_that_the_state_lost_is_for_adopt(
    platform: Platform, foreign: Foreign, record: Record
) -> None:
    record("deployed", own(platform))
    with unchanged(foreign), pytest.raises(UpdraftError, match="doesn't have the Helm release"):
        mend(platform, known=False)
    with unchanged(foreign):
        mend(platform, known=True)
