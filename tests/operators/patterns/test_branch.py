"""A branch goes by the first rule that holds, and a mistake in it is told at its first run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from airflow.sdk import DAG, task, task_group

from updraft.errors import ConfigurationError
from updraft.patterns import branch_on
from updraft.testing.results import RunResult

RunDag = Callable[[Any], RunResult]
Rules = Mapping[str, Callable[[Any], bool]]
RULES: Rules = {
    "publish": lambda rows: rows > 100,
    "warn": lambda rows: rows > 0,
    "repair": lambda rows: rows == 0,
}


def branching(dag_id: str, rows: Any, rules: Rules = RULES, default: str | None = None) -> DAG:
    """A task count >> branch_on_rows >> publish, warn, the group repair; then a join."""
    with DAG(dag_id, schedule=None) as dag:

        @task
        def count() -> Any:
            return rows

        @task
        def act() -> None: ...

        @task_group
        def repair() -> None:
            act.override(task_id="first")() >> act.override(task_id="second")()

        @task(trigger_rule="none_failed_min_one_success")
        def join() -> None: ...

        branch = branch_on(count(), rules, default=default, task_id="branch_on_rows")
        targets = [act.override(task_id="publish")(), act.override(task_id="warn")(), repair()]
        branch >> targets >> join()
    return dag


@pytest.mark.parametrize(
    ("rows", "ran"),
    [
        (101, {"publish"}),
        (100, {"warn"}),
        (0, {"repair.first", "repair.second"}),
        (-1, {"warn"}),  # by default
    ],
)
def test_the_first_rule_that_holds_decides(run_dag: RunDag, rows: int, ran: set[str]) -> None:
    run = run_dag(branching(f"rows_{rows + 1}", rows, default="warn"))
    print(run.states)
    assert run.state == "success"
    acted = {name for name, _ in run.states} - {"count", "branch_on_rows", "join"}
    assert acted == {"publish", "warn", "repair.first", "repair.second"}
    for name in acted:
        assert run.states[name, -1] == ("success" if name in ran else "skipped")
    assert run.states["join", -1] == "success"


def test_a_value_that_no_rule_holds_for_is_named(run_dag: RunDag) -> None:
    run = run_dag(branching("no_rule", -7))
    error = run.errors["branch_on_rows", -1]
    print(error)
    assert isinstance(error, ConfigurationError)
    assert "no rule holds for -7" in str(error)
    assert "publish, warn, repair" in str(error)
    assert run.states["publish", -1] == "upstream_failed"


MISNAMED: dict[str, tuple[Rules, str | None]] = {
    "in a rule that is not reached": ({**RULES, "pblish": lambda _: True}, None),
    "by default": (RULES, "pblish"),
    "not directly after": ({"join": lambda _: True}, None),
    "inside the group": ({"second": lambda _: True}, None),
}


@pytest.mark.parametrize("mistake", MISNAMED)
def test_a_task_that_does_not_follow_is_told_whatever_the_value(
    run_dag: RunDag, mistake: str
) -> None:
    rules, default = MISNAMED[mistake]
    run = run_dag(branching(f"misnamed_{mistake.replace(' ', '_')}", 1000, rules, default))
    error = run.errors["branch_on_rows", -1]
    print(error)
    assert isinstance(error, ConfigurationError)
    assert "does not follow on this one" in str(error)
    assert "publish, repair.first, warn" in str(error)


def test_a_branch_with_nothing_after_it_is_told(run_dag: RunDag) -> None:
    with DAG("nothing_follows", schedule=None) as dag:
        branch_on(1, RULES)
    error = run_dag(dag).errors["branch_on", -1]
    print(error)
    assert "what follows: nothing" in str(error)


def test_inside_a_group_tasks_are_named_without_the_groups_name(run_dag: RunDag) -> None:
    with DAG("in_a_group", schedule=None) as dag:

        @task
        def act() -> None: ...

        @task_group
        def publishing(rows: int) -> None:
            branch = branch_on(rows, {"big": lambda rows: rows > 5, "small": lambda _: True})
            branch >> [act.override(task_id=name)() for name in ("big", "small")]

        publishing(7)
    run = run_dag(dag)
    print(run.states)
    assert run.states["publishing.big", -1] == "success"
    assert run.states["publishing.small", -1] == "skipped"


def test_a_branch_inside_a_mapped_group_is_refused_since_airflow_would_run_all() -> None:
    with DAG("branch_mapped", schedule=None):

        @task_group
        def each(rows: int) -> None:
            branch_on(rows, RULES)

        with pytest.raises(ConfigurationError, match="all would run") as caught:
            each.expand(rows=[7, 3])
    print(caught.value)


def test_no_rules_are_refused_at_parse_time() -> None:
    with DAG("no_rules", schedule=None), pytest.raises(ConfigurationError, match="no rules"):
        branch_on(1, {})
