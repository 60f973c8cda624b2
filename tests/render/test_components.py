"""Each container of each component can be read by `make logs LOG=…`, with both charts."""

from __future__ import annotations

import pytest

from infra.cli.components import COMPONENTS
from infra.render import Manifest
from infra.settings import load
from tests.render.variants import settings

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}


@pytest.fixture
def containers(manifests: list[Manifest], variant: str) -> dict[str, list[str]]:
    """By each container of the workloads, "workload/container", the names that lead to it."""
    spaces = load(settings(variant)).namespaces
    found = {}
    for one in manifests:
        if one["kind"] not in WORKLOADS:
            continue
        pod = one["spec"]["template"]
        for container in pod["spec"]["containers"]:
            found[f"{one['metadata']['name']}/{container['name']}"] = [
                name
                for name, each in COMPONENTS.items()
                if each.selects(pod["metadata"]["labels"])
                and each.container == container["name"]
                and getattr(spaces, each.space) == one["metadata"]["namespace"]
            ]
    print(found)
    return found


def test_one_name_leads_to_each_container(containers: dict[str, list[str]]) -> None:
    assert len(containers) >= 5
    assert {where: names for where, names in containers.items() if len(names) != 1} == {}


@pytest.mark.parametrize("variant", ["local"], scope="session")
def test_each_name_leads_to_a_container(containers: dict[str, list[str]]) -> None:
    assert {name for names in containers.values() for name in names} == set(COMPONENTS)
