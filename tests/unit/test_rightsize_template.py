"""A task's pod tells the package what it was given, under the names that the package reads."""

from __future__ import annotations

from typing import Any

from infra.values import pod_template
from tests.unit.test_program_values import IMAGE, settings


def test_the_template_sets_the_variables_that_the_log_line_is_made_of() -> None:
    from updraft import resources  # noqa: PLC0415 -- imports Airflow

    pod: Any = pod_template.pod(settings(), IMAGE)
    (base,) = pod["spec"]["containers"]
    fields = {
        each["name"]: each["valueFrom"]["resourceFieldRef"]
        for each in base["env"]
        if "valueFrom" in each
    }
    print(fields)
    assert set(fields) == set(resources._GIVEN.values())
    for name, field in fields.items():
        _, resource, kind = name.lower().split("_")
        assert field["resource"] == f"{kind}s.{resource}"
        assert field["divisor"] == {"cpu": "1m", "memory": "1"}[resource]
        assert field["containerName"] == base["name"]
        assert resource in base["resources"][f"{kind}s"]
