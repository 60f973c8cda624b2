"""What watches is watched: an exporter, a rule or a receiver that is gone fires, and resolves."""

from __future__ import annotations

import json

import pytest
import yaml

from infra.cli.platform import Platform
from infra.values import names
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, scaled_down

# Many to many, which Prometheus can't join.
BROKEN = {"name": "updraft.broken", "rules": [{"record": "broken", "expr": "up * on () up"}]}


def with_broken_rule(text: str) -> str:
    """A file of rules with one more."""
    rules = yaml.safe_load(text)
    rules["groups"].append(BROKEN)
    return json.dumps(rules)


def test_exporters_that_are_gone_fire(platform: Platform, watch: Watch) -> None:
    spaces = platform.settings.namespaces
    watching = [f"deployment/{name}" for name in (names.STATSD_EXPORTER, names.KUBE_STATE_METRICS)]
    fired = ("AirflowExporterDown", "AirflowStatsdExporterDown", "AirflowTargetDown")
    with (
        scaled_down(platform, spaces.monitoring, *watching),
        scaled_down(platform, spaces.airflow, f"deployment/{names.AIRFLOW_EXPORTER}"),
    ):
        watch.wait_firing(*fired)
    watch.end(*fired)


@pytest.mark.slow
def test_a_scheduler_that_tells_nothing_fires(platform: Platform, watch: Watch) -> None:
    scheduler = f"deployment/{names.SCHEDULER}"
    with causes.variable(platform, scheduler, "AIRFLOW__METRICS__STATSD_ON", "False"):
        watch.wait_firing("AirflowNoMetrics")
    watch.end("AirflowNoMetrics")


@pytest.mark.slow
def test_a_rule_that_can_not_be_evaluated_fires(platform: Platform, watch: Watch) -> None:
    space = platform.settings.namespaces.monitoring
    prometheus = f"deployment/{names.PROMETHEUS}"
    where = (platform, space, f"configmap/{names.PROMETHEUS}", "/data/rules.yaml")
    with causes.patched(*where, with_broken_rule):
        causes.restart(platform, space, prometheus)
        watch.wait_firing("AirflowRulesFailing")
    causes.restart(platform, space, prometheus)
    watch.end("AirflowRulesFailing")
