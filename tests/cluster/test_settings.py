"""Settings that are accepted: rendered, valid, applied to a real API server, with a task's pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis

from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.local.paths import Paths
from infra.local.tools import kubernetes_source
from infra.render import Manifest, render
from infra.settings import load, stack
from tests.programs import programs
from tests.render import apiserver
from tests.render.schemas import Schemas, operator_definitions
from tests.render.variants import EMBEDDED
from tests.unit.settings_files import Config, spoiled
from tests.unit.settings_good import GOOD
from tests.unit.test_settings_values import over

pytestmark = pytest.mark.slow(group="settings")

FILES, DRAWN = 200, 4_000
SEED = 20261201


@pytest.fixture(scope="module")
def helm() -> Path:
    return programs("helm")["helm"]


@pytest.fixture(scope="module")
def nodeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A Kubernetes API with controllers but without nodes."""
    folder = tmp_path_factory.mktemp("nodeless")
    with apiserver.running(programs(*apiserver.NAMES), folder) as kubectl:
        yield kubectl


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_good_settings_are_applied_and_a_task_of_theirs_is_made(
    number: int, helm: Path, nodeless: Kubectl, tmp_path: Path
) -> None:
    path, value = GOOD[number]
    print(path, value)
    name = f"good-{number}"
    spaces = {"airflow": name, "tasks": f"{name}-tasks", "monitoring": f"{name}-watch"}
    own = {"platform": {"name": name}, "namespaces": spaces, "chart": {"path": str(EMBEDDED)}}
    given_ = stack.merge(over(path, value), own)
    manifests = render(given_, helm=helm, keys=KeyStore(tmp_path / "keys.json"))
    applied = nodeless.apply(manifests)
    assert len(applied) == len(manifests)
    pod = _task(manifests)
    pod["metadata"] |= {"name": "task", "namespace": spaces["tasks"]}
    made = json.loads(nodeless.run("create", "-f", "-", "-o", "json", input=json.dumps(pod)))
    assert made["spec"]["priorityClassName"] == f"{name}-tasks"


def _task(manifests: list[Manifest]) -> dict[str, Any]:
    maps = [one for one in manifests if "pod_template_file.yaml" in (one.get("data") or {})]
    pod: dict[str, Any] = yaml.safe_load(maps[0]["data"]["pod_template_file.yaml"])
    return pod


def test_accepted_files_render_what_is_valid(helm: Path, tmp_path: Path) -> None:
    cache = Paths.for_instance().cache
    schemas = Schemas(kubernetes_source(print), operator_definitions(cache))
    faults: list[str] = []
    for number, config in enumerate(accepted()):
        whole = stack.merge(config, {"chart": {"path": str(EMBEDDED)}})
        keys = KeyStore(tmp_path / str(number) / "keys.json")
        for one in render(whole, helm=helm, keys=keys):
            faults += [f"file {number}: {one.identity}: {fault}" for fault in schemas.faults(one)]
    print(*faults[:40], sep="\n")
    assert not faults


def accepted() -> list[Config]:
    """Return files that are accepted, drawn by a seed."""
    found: list[Config] = []

    @seed(SEED)
    @hypothesis(
        max_examples=DRAWN,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled())
    def draw(config: Config) -> None:
        with suppress(UpdraftError):
            load(config)
            found.append(config)

    draw()
    print(f"{len(found)} of {DRAWN} accepted")
    assert len(found) >= FILES
    return found[:FILES]
