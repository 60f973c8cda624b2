"""Tools, charts and stacks that the render tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.render import Manifest, render
from tests.programs import programs
from tests.render import apiserver
from tests.render.foreign import Foreign
from tests.render.platform import Platform
from tests.render.variants import EMBEDDED, VARIANTS, settings

# Of the smallest variant's.
LEAST_OBJECTS = 30
Rendered = Callable[[str, Path], list[Manifest]]


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm program."""
    return programs("helm")["helm"]


@pytest.fixture(scope="session")
def official() -> Path:
    """The official chart that AIRFLOW_CHART names."""
    given = os.environ.get("AIRFLOW_CHART")
    if not given:
        pytest.skip("AIRFLOW_CHART names no official chart: NOT compared with it")
    return Path(given)


@pytest.fixture(scope="session", params=["embedded", "official"])
def chart(request: pytest.FixtureRequest) -> Path:
    """Each chart in turn."""
    if request.param == "embedded":
        return EMBEDDED
    return Path(request.getfixturevalue("official"))


@pytest.fixture(scope="session", params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> str:
    """Each variant of the settings in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    """The keys of all renders of this run."""
    return KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="session")
def rendered(helm: Path, keys: KeyStore) -> Rendered:
    """Render a variant with a chart, once for all tests."""

    @cache
    def once(variant: str, chart: Path) -> list[Manifest]:
        return render(settings(variant, chart), helm=helm, keys=keys)

    return once


@pytest.fixture
def manifests(rendered: Rendered, variant: str, chart: Path) -> list[Manifest]:
    """The objects of a variant with a chart."""
    return rendered(variant, chart)


@pytest.fixture(scope="session")
def nodeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A Kubernetes API with controllers but without nodes."""
    folder = tmp_path_factory.mktemp("nodeless")
    with apiserver.running(programs(*apiserver.NAMES), folder) as kubectl:
        yield kubectl


@pytest.fixture
def platform(nodeless: Kubectl, tmp_path: Path) -> Platform:
    """A namespace of that API for a test's deploys."""
    return Platform(nodeless, KeyStore(tmp_path / "platform" / "keys.json"))


@pytest.fixture
def foreign(platform: Platform) -> Iterator[Foreign]:
    """What others have made; at the end of the test all of it is there."""
    made = Foreign(platform.kubectl)
    yield made
    assert len(made.fingerprints()) == len(made.made), "something of others' is gone"
