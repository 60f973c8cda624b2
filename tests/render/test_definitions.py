"""Mode operator on a real API server without and with the Prometheus Operator's definitions."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deploy import definitions
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.settings import Settings, load
from infra.values.monitoring import operator
from tests.render.variants import settings
from tests.waiting import wait_for

pytestmark = pytest.mark.apiserver


def watched_by_operator() -> Settings:
    return load(settings("token"))


def definition(kind: str) -> dict[str, Any]:
    group, _, version = operator.API.partition("/")
    plural = f"{kind.lower()}s"
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": free},
                }
            ],
        },
    }


def test_kinds_that_are_missing_are_told_until_they_are_there(nodeless: Kubectl) -> None:
    chosen = watched_by_operator()
    with pytest.raises(UpdraftError, match="PodMonitor, PrometheusRule, ServiceMonitor") as none:
        definitions.refuse_missing(chosen, nodeless)
    assert "monitoring.mode=bundled" in none.value.fix
    nodeless.apply([definition("ServiceMonitor"), definition("PodMonitor")])

    def told() -> str:
        with pytest.raises(UpdraftError) as some:
            definitions.refuse_missing(chosen, nodeless)
        return some.value.what

    wait_for(lambda: told().endswith("definition of PrometheusRule"), 30, "two of the definitions")
    nodeless.apply([definition("PrometheusRule")])

    def complete() -> bool:
        try:
            definitions.refuse_missing(chosen, nodeless)
        except UpdraftError:
            return False
        return True

    wait_for(complete, 30, "the third definition")


def test_other_modes_ask_for_nothing(nodeless: Kubectl) -> None:
    nowhere = Kubectl(nodeless.binary, nodeless.kubeconfig, "nowhere")
    definitions.refuse_missing(load(settings("local")), nowhere)
    with pytest.raises(UpdraftError, match="nowhere"):
        definitions.refuse_missing(watched_by_operator(), nowhere)
