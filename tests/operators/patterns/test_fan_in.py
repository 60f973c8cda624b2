"""Fan-in gathers what succeeded, tolerates the failures that it was told to, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from updraft.errors import ConfigurationError, DataError
from updraft.patterns import ITEM_NAME, collect, name_item
from updraft.testing.results import RunResult

RunDag = Callable[[Any], RunResult]


def tables(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "optional": name.startswith("o")} for name in names]


def fan(
    dag_id: str,
    names: list[str],
    tolerate: Any = 0,
    *,
    named: bool = True,
    plan_fails: bool = False,
) -> DAG:
    """A DAG whose `load` fails for a table with "fail" in its name, and skips one with "skip"."""
    with DAG(dag_id, schedule=None) as dag:

        @task
        def plan() -> list[dict[str, Any]]:
            if plan_fails:
                raise ValueError("no plan")
            return tables(*names)

        @task(map_index_template=ITEM_NAME)
        def load(table: dict[str, Any]) -> int | None:
            name = table["name"]
            name_item(name)
            if "fail" in name:
                raise ValueError(f"{name} is broken")
            if "skip" in name:
                raise AirflowSkipException
            return None if "none" in name else len(name)

        @task
        def report(done: dict[str, Any]) -> dict[str, Any]:
            return done

        planned = plan()
        items = planned if named else None
        report(collect(load.expand(table=planned), tolerate=tolerate, items=items))
    return dag


def gathered(run: RunResult) -> dict[str, Any]:
    print(run.states, {key: str(error) for key, error in run.errors.items()})
    assert run.state == "success"
    found: dict[str, Any] = run.xcom("report")
    return found


def refused(run: RunResult) -> str:
    assert run.state == "failed"
    assert run.states["report", -1] == "upstream_failed"
    error = run.errors["collect", -1]
    print(error)
    assert isinstance(error, DataError)
    return str(error)


def test_values_come_in_order_with_their_map_indexes(run_dag: RunDag) -> None:
    done = gathered(run_dag(fan("ordered", ["aaa", "fail-1", "b", "skip-1", "cc"], tolerate=1)))
    assert done == {
        "values": [3, 1, 2],
        "map_indexes": [0, 2, 4],
        "failed": [{"map_index": 1, "state": "failed", "item": tables("fail-1")[0]}],
        "skipped": [3],
    }


def test_a_task_that_returned_nothing_does_not_shift_the_others(run_dag: RunDag) -> None:
    done = gathered(run_dag(fan("nothing_returned", ["none-1", "bb", "none-2", "dddd"])))
    assert (done["values"], done["map_indexes"]) == ([None, 2, None, 4], [0, 1, 2, 3])


def test_no_failure_is_tolerated_unless_it_is_said(run_dag: RunDag) -> None:
    told = refused(run_dag(fan("strict", ["a", "fail-1"])))
    assert "1 of 2 failed, and 0 may" in told
    assert "task load: index 1 (fail-1) failed" in told


def test_one_failure_more_than_the_count_is_refused(run_dag: RunDag) -> None:
    told = refused(run_dag(fan("count", ["a", "fail-1", "fail-2"], tolerate=1, named=False)))
    assert "2 of 3 failed, and 1 may" in told
    assert "index 1 failed; index 2 failed" in told


@pytest.mark.parametrize(
    ("share", "passes"), [(0.34, True), (0.32, False), (1.0, True), (0.0, False)]
)
def test_a_share_counts_all_that_were_mapped(run_dag: RunDag, share: float, passes: bool) -> None:
    run = run_dag(fan(f"share_{int(share * 100)}", ["a", "fail-1", "skip-1"], tolerate=share))
    if passes:
        assert [each["map_index"] for each in gathered(run)["failed"]] == [1]
    else:
        assert "1 of 3 failed, and 0 may" in refused(run)


def test_only_the_chosen_items_may_fail(run_dag: RunDag) -> None:
    def optional(table: Any) -> bool:
        return bool(table["optional"])

    done = gathered(run_dag(fan("chosen", ["a", "o-fail-1", "o-fail-2"], tolerate=optional)))
    assert done["map_indexes"] == [0]
    told = refused(run_dag(fan("not_chosen", ["fail-1", "o-fail-2", "a"], tolerate=optional)))
    assert "1 of 3 failed, and these may not" in told
    assert "index 0 (fail-1) failed" in told
    assert "o-fail-2" not in told


def test_nothing_to_map_over_gives_empty_lists(run_dag: RunDag) -> None:
    run = run_dag(fan("over_nothing", []))
    assert gathered(run) == {"values": [], "map_indexes": [], "failed": [], "skipped": []}
    assert run.states["load", -1] == "skipped"


def test_a_mapping_that_never_came_about_is_not_tolerated(run_dag: RunDag) -> None:
    told = refused(run_dag(fan("no_plan", ["a"], tolerate=1.0, plan_fails=True)))
    assert "the mapping never came about: its task is upstream_failed" in told


def test_many_failures_are_counted_and_the_first_are_named(run_dag: RunDag) -> None:
    told = refused(run_dag(fan("many", [f"fail-{n}" for n in range(22)])))
    assert "22 of 22 failed" in told
    assert "index 19 (fail-19) failed; and 2 more" in told
    assert "fail-20" not in told


def group(dag_id: str, *, returns: bool, names: list[str]) -> DAG:
    """A mapped group of two tasks; the first fails for some."""
    with DAG(dag_id, schedule=None) as dag:

        @task
        def extract(name: str) -> str:
            if "fail" in name:
                raise ValueError(name)
            return name.upper()

        @task
        def load(name: str) -> str:
            return f"{name}!"

        @task_group
        def each_table(name: str) -> Any:
            loaded = load(extract(name))  # type: ignore[arg-type]
            return loaded if returns else None

        collect(each_table.expand(name=names), tolerate=1, items=names)
    return dag


@pytest.mark.parametrize("returns", [True, False])
def test_a_mapped_groups_last_task_is_gathered(run_dag: RunDag, returns: bool) -> None:
    run = run_dag(group(f"group_{returns}", returns=returns, names=["a", "fail", "c"]))
    print(run.states)
    assert run.state == "success"
    assert run.xcom("collect") == {
        "values": ["A!", "C!"],
        "map_indexes": [0, 2],
        "failed": [{"map_index": 1, "state": "upstream_failed", "item": "fail"}],
        "skipped": [],
    }


def test_a_mapped_group_whose_failures_are_too_many_is_refused(run_dag: RunDag) -> None:
    run = run_dag(group("group_refused", returns=True, names=["fail", "fail", "c"]))
    error = run.errors["collect", -1]
    print(error)
    assert "index 0 (fail) upstream_failed; index 1 (fail) upstream_failed" in str(error)


TOLERANCES = [True, -1, -0.5, 1.5]


@pytest.mark.parametrize("tolerate", TOLERANCES)
def test_a_tolerance_that_is_none_is_refused_at_parse_time(tolerate: Any) -> None:
    with pytest.raises(ConfigurationError, match="no number of failures"):
        fan("wrong_tolerance", ["a"], tolerate=tolerate)


def test_choosing_by_item_needs_the_items() -> None:
    with pytest.raises(ConfigurationError, match="without the items") as caught:
        fan("no_items", ["a"], tolerate=bool, named=False)
    assert "give items=" in str(caught.value)


def unmapped() -> Any:
    @task
    def one() -> int:
        return 1

    return one()


def two_ends() -> Any:
    @task
    def work(name: str) -> str:
        return name

    @task_group
    def pair(name: str) -> None:
        work(name)
        work(name)

    return pair.expand(name=["a"])


@pytest.mark.parametrize("results", [unmapped, two_ends, lambda: [1, 2], lambda: "load"])
def test_what_was_not_mapped_is_refused_at_parse_time(results: Callable[[], Any]) -> None:
    with (
        DAG("not_mapped", schedule=None),
        pytest.raises(ConfigurationError, match="not the results of a mapped task") as caught,
    ):
        collect(results())
    print(caught.value)


def test_the_trigger_rule_is_not_the_callers() -> None:
    with DAG("rule", schedule=None) as dag:

        @task
        def load(name: str) -> str:
            return name

        collect(load.expand(name=["a"]), task_id="gather", trigger_rule="all_success", retries=3)
    gather = dag.get_task("gather")
    assert (gather.trigger_rule.value, gather.retries) == ("all_done", 3)


def test_a_share_is_not_less_by_a_rounding_error(run_dag: RunDag) -> None:
    assert 0.58 * 50 < 29
    names = [f"fail-{number}" for number in range(29)] + ["a"] * 21
    assert len(gathered(run_dag(fan("rounding", names, tolerate=0.58)))["failed"]) == 29
