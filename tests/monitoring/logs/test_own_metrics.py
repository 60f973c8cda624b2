"""What the collector tells of itself is what rules and dashboards ask for."""

from __future__ import annotations

import json
import re
from urllib.request import urlopen

from monitoring import dashboards, rules
from monitoring.options import Options
from tests.monitoring.logs.conftest import Site
from tests.waiting import wait_for


def test_the_collector_counts_by_the_names_that_rules_and_dashboards_ask_for(site: Site) -> None:
    options = Options()
    text = json.dumps([rules.groups(options), dashboards.build(options)])
    asked = set(re.findall(r"\botelcol_\w+", text))
    pod = site.task("counted")
    site.create(pod)
    pod.write("one line")
    site.wait(1, {"k8s_namespace_name": "airflow-tasks"})

    def told() -> set[str]:
        with urlopen(site.metrics, timeout=10) as answer:  # noqa: S310
            return set(re.findall(r"^otelcol_\w+", answer.read().decode(), re.MULTILINE))

    # What has not failed is not told of: of it, that it is told by no other name.
    always = {
        "otelcol_receiver_accepted_log_records_total",
        "otelcol_exporter_sent_log_records_total",
        "otelcol_exporter_queue_size",
        "otelcol_exporter_queue_capacity",
    }
    assert always <= asked
    wait_for(lambda: always <= told(), 30, f"the counts at {site.metrics}")
    print(sorted(told() - asked))
    assert {name.removesuffix("_total") for name in asked} & told() <= always
