"""Settings of monitoring that would be silent mistakes are refused."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from infra.errors import UpdraftError
from infra.settings import load, stack
from infra.settings.monitoring import Objectives
from infra.values import names
from infra.values.monitoring import metrics
from infra.values.monitoring.options import address, options
from updraft.exporter.starts import BUCKETS

HOOK = "https://hooks.example.com/services/a-secret"
URL = "https://airflow.example.com"


def loaded(**monitoring: Any) -> Any:
    return load(stack.read("local", {"monitoring": monitoring}))


def test_each_objective_for_starts_is_a_bucket_that_the_exporter_counts() -> None:
    allowed = get_args(Objectives.model_fields["task_start_seconds"].annotation)
    assert len(allowed) > 3
    assert set(allowed) <= set(BUCKETS), "the objective would have no series"


@pytest.mark.parametrize(
    ("monitoring", "what"),
    [
        ({"mode": "bundled", "logs": {"url": "http://loki.example.com"}}, 'mode "operator" where'),
        ({"mode": "operator", "alerts": {"receivers": {"webhook": {"url": HOOK}}}}, "receivers"),
        ({"alerts": {"receivers": {"webhook": {}}}}, "exactly one of existingSecret"),
        (
            {"alerts": {"receivers": {"webhook": {"url": HOOK, "existingSecret": "x"}}}},
            "exactly one of existingSecret",
        ),
        (
            {"cost": {"teams": {"shop": "("}}},
            'teams.shop: found "("; allowed: a regular expression',
        ),
        ({"objectives": {"taskStartSeconds": 45}}, "taskStartSeconds: found 45"),
        ({"logs": {"retention": "a week"}}, "logs.retention"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(monitoring: dict[str, Any], what: str) -> None:
    with pytest.raises(UpdraftError) as raised:
        loaded(**monitoring)
    print(raised.value)
    assert what in str(raised.value)
    assert HOOK not in str(raised.value)


def test_alerts_that_go_to_people_need_an_address_of_the_runbooks_that_they_reach() -> None:
    told = {"monitoring": {"alerts": {"receivers": {"webhook": {"url": HOOK}}}}}
    with pytest.raises(UpdraftError, match=r"updraft:airflow\.baseUrl: found null") as raised:
        load(stack.read("local", told))
    print(raised.value)
    assert "monitoring.alerts.runbooks" in str(raised.value)
    for more in (
        {"airflow": {"baseUrl": URL}},
        {"monitoring": {"alerts": {"runbooks": f"{URL}/runbooks"}}},
    ):
        found = options(load(stack.read("local", stack.merge(told, more))))
        assert found.runbooks.startswith(URL)
    assert "svc.cluster.local" in options(loaded()).runbooks, "nobody is told of those"


def test_each_receivers_secret_is_a_file_of_its_name() -> None:
    settings = loaded(
        alerts={
            "runbooks": URL,
            "receivers": {
                "webhook": {"url": HOOK},
                "slack": {"channel": "#data", "existingSecret": "alerts-slack"},
            },
        }
    )
    sources = metrics.secret_sources(settings)
    print(sources)
    assert [(one["secret"]["name"], one["secret"]["items"]) for one in sources] == [
        (names.RECEIVERS, [{"key": "webhook", "path": "webhook"}]),
        ("alerts-slack", [{"key": "secret", "path": "slack"}]),
    ]
    assert metrics.secret_values(settings) == {"webhook": HOOK}


def test_a_server_is_where_the_mode_says() -> None:
    bundled, none = loaded(), loaded(mode="none")
    own = loaded(mode="operator", logs={"url": "http://loki.example.com:3100"})
    assert address(bundled, names.LOKI) == ("http://loki.airflow-monitoring.svc.cluster.local:3100")
    assert address(own, names.LOKI) == "http://loki.example.com:3100"
    assert address(own, names.PROMETHEUS) is None
    assert address(none, names.LOKI) is None
    assert not none.monitoring.logs_are_kept


def test_days_are_hours_to_loki() -> None:
    assert options(loaded(logs={"retention": "30d"})).logs_retention == "720h"
    assert options(loaded(logs={"retention": "6h"})).logs_retention == "6h"
