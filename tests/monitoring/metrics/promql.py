"""What a PromQL expression reads: series with the labels that it asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

# What a scrape and Kubernetes' service discovery add to every series.
SCRAPED = {"job", "instance", "namespace", "pod", "service", "container", "endpoint", "cluster"}


def uses(expression: str) -> list[tuple[str, set[str]]]:
    """Return each series of an expression with the labels that it must have."""
    return list(_uses(promql.parse(expression), set()))


def _uses(node: Any, asked: set[str]) -> Iterator[tuple[str, set[str]]]:
    if isinstance(node, promql.VectorSelector):
        names = {matcher.name for matcher in node.matchers.matchers}
        yield str(node.name), (asked | names) - {"__name__"}
    elif isinstance(node, promql.MatrixSelector):
        yield from _uses(node.vector_selector, asked)
    elif isinstance(node, promql.AggregateExpr):
        yield from _uses(node.expr, _grouped(node, asked))
    elif isinstance(node, promql.BinaryExpr):
        # What an outer grouping names can come from either side.
        yield from _uses(node.lhs, set())
        yield from _uses(node.rhs, set())
    elif isinstance(node, promql.Call):
        made = node.func.name in {"label_replace", "label_join"}
        for each in node.args:
            yield from _uses(each, set() if made else asked)
    elif isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        yield from _uses(node.expr, asked)


def _grouped(node: Any, asked: set[str]) -> set[str]:
    modifier = node.modifier
    if modifier is None:
        return set()
    by = modifier.type == promql.AggModifierType.By
    return set(modifier.labels) if by else set(asked)
