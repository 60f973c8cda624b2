"""What PromQL and LogQL in a dashboard are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser as promql

from monitoring.dashboards.substitute import substitute, variables

# Values that no query has, to be found again in what is parsed.
RATE_INTERVAL = timedelta(seconds=12347)
RANGE = timedelta(seconds=54323)
_OWN = {
    "__rate_interval": f"{RATE_INTERVAL.seconds}s",
    "__range": f"{RANGE.seconds}s",
    "__interval": "61s",
    "__auto": "367s",
}


@dataclass(frozen=True)
class Node:
    """A part of a query, and what it is in, the outermost first."""

    of: Any
    parents: tuple[Any, ...]


def filled(expr: str) -> str:
    """Return a query with every variable replaced by something that parses."""
    return substitute(expr, {**dict.fromkeys(variables(expr), ".*"), "__range_s": "60", **_OWN})


def parts(expr: str) -> list[Node]:
    """Return every part of a PromQL query; raises ValueError where it is none."""
    return list(_parts(promql.parse(filled(expr)), ()))


def _parts(node: Any, parents: tuple[Any, ...]) -> Iterator[Node]:
    yield Node(node, parents)
    inside = (*parents, node)
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from _parts(child, inside)
    for child in getattr(node, "args", None) or ():
        yield from _parts(child, inside)


def selectors(expr: str) -> list[Node]:
    """Return the selectors of a PromQL query."""
    return [part for part in parts(expr) if isinstance(part.of, promql.VectorSelector)]


def matched(selector: Node) -> set[str]:
    """Return the labels that a selector asks for."""
    return {matcher.name for matcher in selector.of.matchers.matchers}


def calls(node: Node) -> list[str]:
    """Return the functions that a part is in, the outermost first."""
    return [each.func.name for each in node.parents if isinstance(each, promql.Call)]


def ranges(logql: str) -> list[str]:
    """Return the ranges of a LogQL query, as they are spelled."""
    bare = re.sub(r"`[^`]*`|\"(?:\\.|[^\"\\])*\"", "", logql)
    return re.findall(r"\[([^\]]+)\]", bare)
