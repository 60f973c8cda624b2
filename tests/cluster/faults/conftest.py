"""What the tests of faults share: somebody who is told of all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.cli.platform import Platform
from tests.cluster import receiver
from tests.cluster.watching import ALERTS


@pytest.fixture(scope="package")
def listener(platform: Platform, pushed: None) -> Iterator[None]:
    """The receiver of the alerts, gone before the tests of the cluster's end."""
    del pushed
    with receiver.running(platform, ALERTS):
        yield
