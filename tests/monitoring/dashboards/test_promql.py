"""From the sources through the rules to each panel: on a busy platform no query is empty."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from monitoring import rules
from monitoring.dashboards import Query, queries, sources, substitute
from monitoring.options import Options
from tests.monitoring.dashboards.series import everything

AT = "20m"


def asked(options: Options) -> list[Query]:
    """Return the queries that Prometheus is asked."""
    return [query for query in queries(options) if query.datasource == "prometheus"]


def test_no_query_is_empty_once_everything_has_happened(
    options: Options, tool: Callable[[str], Path], tmp_path: Path
) -> None:
    defaults = {each.name: each.default for board in sources(options) for each in board.variables}
    values = {**defaults, "__range": "10m", "__range_s": "600"}
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": rules.groups(options)}))
    exprs = {f"count({substitute(query.expr, values)}) > bool 0": query for query in asked(options)}
    assert len(exprs) > 100
    test = {
        "rule_files": [str(file)],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": name, "values": values} for name, values in everything().items()
                ],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": AT,
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                    for expr in exprs
                ],
            }
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    ran = subprocess.run(
        [tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    said = ran.stdout + ran.stderr
    empty = [
        f"{query.dashboard}: {query.panel}: {query.expr}"
        for expr, query in exprs.items()
        if repr_in_go(expr) in said
    ]
    assert ran.returncode == 0, "\n".join(empty) or said[-3000:]


def repr_in_go(expr: str) -> str:
    """Return a query as promtool writes it where it fails."""
    escaped = expr.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
