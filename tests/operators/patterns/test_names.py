"""A mapped task is named in the UI by what it works on, and never fails for want of a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.sdk import DAG, BaseOperator, task, task_group

from updraft.patterns import ITEM_NAME, batches, item_name, name_item, partition_keys
from updraft.testing.results import RunResult

RunDag = Callable[[Any], RunResult]


def test_a_mapped_argument_names_its_task(run_dag: RunDag) -> None:
    with DAG("by_argument", schedule=None) as dag:

        @task(map_index_template=item_name("what"))
        def show(what: Any) -> None:
            if what == "fails":
                raise ValueError(what)

        @task(map_index_template=item_name("name"))
        def spread(name: str, start: int, end: int) -> str:
            return f"{name}: {end - start}"

        @task
        def plan() -> list[Any]:
            return [*batches(["a", "b"], pods=1), 7, "für", {"x": 1}]

        show.expand(what=plan())
        show.override(task_id="literal").expand(what=["fails", "x" * 500, None])
        spread.expand_kwargs(partition_keys(0, 9, parts=2))
    names = run_dag(dag).names
    print(names)
    assert {key: name for key, name in names.items() if key != ("literal", 1)} == {
        ("show", 0): "items 1 to 2",
        ("show", 1): "7",
        ("show", 2): "für",
        ("show", 3): "{'x': 1}",
        ("literal", 0): "fails",
        ("literal", 2): "None",
        ("spread", 0): "0 to 3",
        ("spread", 1): "4 to 8",
    }
    assert 190 < len(names["literal", 1]) <= 205  # Airflow's column holds 250


def test_an_argument_that_there_is_not_fails_no_task(run_dag: RunDag) -> None:
    with DAG("by_typo", schedule=None) as dag:

        @task(map_index_template=item_name("tabel"))
        def show(table: str) -> None: ...

        show.expand(table=["a"])
    run = run_dag(dag)
    print(run.names)
    assert (run.state, run.names) == ("success", {("show", 0): "0"})


def test_a_task_of_a_mapped_group_is_named_too(run_dag: RunDag) -> None:
    with DAG("in_group", schedule=None) as dag:

        @task(map_index_template=item_name("table"))
        def load(table: str) -> None: ...

        @task_group
        def each_table(table: str) -> None:
            load(table=table)

        each_table.expand(table=["orders", "clients"])
    names = run_dag(dag).names
    print(names)
    assert names == {("each_table.load", 0): "orders", ("each_table.load", 1): "clients"}


def test_a_task_names_itself_even_if_it_fails(run_dag: RunDag) -> None:
    with DAG("by_itself", schedule=None) as dag:

        @task(map_index_template=ITEM_NAME)
        def load(number: int) -> None:
            if number == 2:
                return
            name_item(f"table {number} " + "x" * 300)
            if number == 1:
                raise ValueError

        load.expand(number=[0, 1, 2])
    run = run_dag(dag)
    print(run.names)
    assert run.names["load", 0].startswith("table 0 xxx")
    assert run.names["load", 1].startswith("table 1 xxx")
    assert len(run.names["load", 1]) == 200
    assert run.names["load", 2] == "2"  # without a name it is the index, and no error
    assert run.states["load", 2] == "success"


def test_an_operator_is_named_by_its_argument(run_dag: RunDag) -> None:
    class Load(BaseOperator):
        def __init__(self, *, table: Any, **options: Any) -> None:
            super().__init__(**options)
            self.table = table

        def execute(self, context: Any) -> None: ...

    with DAG("operator", schedule=None) as dag:
        Load.partial(task_id="load", map_index_template=item_name("table")).expand(
            table=["orders", {"name": "clients"}]
        )
    names = run_dag(dag).names
    print(names)
    assert names == {("load", 0): "orders", ("load", 1): "clients"}
