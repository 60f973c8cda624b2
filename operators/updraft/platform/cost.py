"""What DAGs and teams cost over a range, of the DAGs that the viewer may read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from updraft import settings
from updraft.errors import UpdraftError
from updraft.platform.access import DeniedError
from updraft.platform.panels import Question

SHOWN = 15


async def cost(question: Question) -> dict[str, Any]:
    """Return the dearest DAGs, what the others cost together, and the teams.

    Teams are told to who may read every DAG that costs anything: the sum of a team's would tell
    what others cost.

    Raises:
        UpdraftError: The viewer may read no DAG, or Prometheus does not answer.
    """
    readable = await question.viewer.dags()
    if not readable:
        raise DeniedError(
            "there is no DAG yet that you may read",
            where='the permission "can read" on a DAG',
            fix="ask an administrator of Airflow for a role with it",
        )
    every, teams = await asyncio.gather(_sums(question, "dag", "dag_id"), _teams(question))
    visible = sorted(
        ((amount, name) for name, amount in every.items() if name in readable), reverse=True
    )
    rows = [{"name": name, "amount": amount, "kind": "dag"} for amount, name in visible[:SHOWN]]
    if others := visible[SHOWN:]:
        amount = sum(amount for amount, _ in others)
        rows.append({"name": f"{len(others)} others", "amount": amount, "kind": "others"})
    if len(visible) == len(every):
        rows += [
            {"name": name, "amount": amount, "kind": "team"}
            for name, amount in sorted(teams.items(), key=lambda each: -each[1])
        ]
    total = sum(amount for amount, _ in visible)
    currency = settings.text("currency", "USD")
    return {
        "rows": rows,
        "currency": currency,
        "stats": [{"label": "all together", "value": total, "unit": currency, "of": None}]
        if rows
        else [],
        "hidden": len(every) - len(visible),
    }


async def _teams(question: Question) -> Mapping[str, float]:
    try:
        found = await _sums(question, "team", "team")
    except UpdraftError:
        # What keeps the answer about DAGs from coming says so itself.
        return {}
    return {} if found.keys() <= {"unassigned"} else found


async def _sums(question: Question, level: str, label: str) -> dict[str, float]:
    """Return amounts of money by label.

    Sampled pods miss the shortest, durations of tasks miss what a pod holds besides: the greater
    of the two is nearer the truth.
    """
    most: dict[str, float] = {}
    for way in ("sampled", "durations"):
        query = (
            f"sum by ({label}) (sum_over_time("
            f"updraft_{level}:cost_per_second:{way}[${{range}}s:${{step}}s])) * $step"
        )
        for labels, amount in await question.now(query):
            name = labels.get(label, "")
            most[name] = max(amount, most.get(name, 0.0))
    return {name: amount for name, amount in most.items() if name and amount > 0}
