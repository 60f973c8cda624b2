"""Rare events are counted once each, from the first one on, across restarts and gaps."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.monitoring.rules.unit import HEALTHY, Promtool, of_airflow

MISSED = of_airflow("deadline_alerts_deadline_missed", dag_id="a")
UP = 'up{job="statsd-exporter",instance="statsd-exporter"}'
NAME = "updraft_dag:deadlines_missed:increase1h"


@pytest.mark.parametrize(
    ("series", "counted"),
    [
        # Minute 120 looks back to minute 60.
        pytest.param({MISSED: "_x100 1x300"}, 1, id="the first one of a DAG"),
        pytest.param({MISSED: "2x100 5x300"}, 3, id="later ones"),
        pytest.param({MISSED: "9x300"}, 0, id="none of late"),
        pytest.param({MISSED: "7x90 stale _x5 2x300"}, 2, id="a counter that began anew"),
        pytest.param({MISSED: "3x59 stale _x2 3x300"}, 0, id="a scrape that failed an hour ago"),
        pytest.param(
            {MISSED: "_x100 40x300", UP: "_x100 1x300"}, None, id="an exporter that nobody asked"
        ),
        pytest.param({MISSED: "_x100 4x300", UP: "1x70 0x5 1x300"}, 4, id="an exporter's restart"),
    ],
)
def test_events_of_the_last_hour(
    series: Mapping[str, str], counted: int | None, promtool: Promtool
) -> None:
    samples = [] if counted is None else [{"labels": f'{NAME}{{dag_id="a"}}', "value": counted}]
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values}
            for name, values in {**HEALTHY, **series}.items()
            if values
        ],
        "promql_expr_test": [{"expr": NAME, "eval_time": "120m", "exp_samples": samples}],
    }
    wrong = promtool.run(NAME, [test])
    assert not wrong, wrong
