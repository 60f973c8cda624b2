"""What watches is watched: an exporter or a rule that is gone fires, and resolves."""

from __future__ import annotations

import json

import pytest
import yaml

from infra.cli.platform import Platform
from infra.values import names
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, scaled_down

PROMETHEUS = f"deployment/{names.PROMETHEUS}"
# Many to many, which Prometheus can't join.
BROKEN = {"name": "updraft.broken", "rules": [{"record": "broken", "expr": "up * on () up"}]}
FIRED = (
    "AirflowExporterDown",
    "AirflowRulesFailing",
    "AirflowStatsdExporterDown",
    "AirflowTargetDown",
)

pytestmark = [pytest.mark.slow(group="servers"), pytest.mark.usefixtures("listener")]


def with_broken_rule(text: str) -> str:
    """A file of rules with one more."""
    rules = yaml.safe_load(text)
    rules["groups"].append(BROKEN)
    return json.dumps(rules)


@pytest.mark.fires(*FIRED)
def test_exporters_that_are_gone_and_a_rule_that_can_not_be_evaluated_fire(
    platform: Platform, watch: Watch
) -> None:
    spaces = platform.settings.namespaces
    exporters = [f"deployment/{name}" for name in (names.STATSD_EXPORTER, names.KUBE_STATE_METRICS)]
    rules = (platform, spaces.monitoring, f"configmap/{names.PROMETHEUS}", "/data/rules.yaml")
    with causes.patched(*rules, with_broken_rule):
        causes.restart(platform, spaces.monitoring, PROMETHEUS)
        with (
            scaled_down(platform, spaces.monitoring, *exporters),
            scaled_down(platform, spaces.airflow, f"deployment/{names.AIRFLOW_EXPORTER}"),
        ):
            watch.wait_firing(*FIRED)
    causes.restart(platform, spaces.monitoring, PROMETHEUS)
    watch.end(*FIRED)
