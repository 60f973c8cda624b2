"""Batches hold each item once, in order, in no more pods than Airflow maps over."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from typing import Any

import pytest
from airflow.sdk import DAG, task
from airflow.sdk.serde import deserialize, serialize

from updraft.errors import ConfigurationError, SourceUnavailableError
from updraft.patterns import Batch, batches, item_name, partition_keys, process_batch

LIMIT = 1024  # [core] max_map_length, where nothing sets it


def test_every_item_is_in_one_batch_in_order() -> None:
    chance, examined = random.Random(7), 0  # noqa: S311 -- seeded
    for _ in range(400):
        items = list(range(chance.choice([0, 1, 2, LIMIT, chance.randrange(5000)])))
        pods = chance.choice([1, 2, 100, LIMIT, 10 * LIMIT, chance.randrange(1, 3000)])
        cut = batches(items, pods=pods)
        examined += len(cut)
        assert [item for each in cut for item in each["items"]] == items
        assert len(cut) == min(pods, LIMIT, len(items))
        sizes = [len(each["items"]) for each in cut]
        assert max(sizes, default=1) - min(sizes, default=1) <= 1
        assert [each["number"] for each in cut] == list(range(len(cut)))
        assert len({each["name"] for each in cut}) == len(cut)
    print(f"{examined} batches")
    assert examined > 10_000


def test_no_batch_is_larger_than_asked() -> None:
    chance = random.Random(8)  # noqa: S311 -- seeded
    for _ in range(200):
        items = range(chance.randrange(3000))
        size = chance.randrange(len(items) // LIMIT + 1, 400)
        cut = batches(items, size=size)
        assert [item for each in cut for item in each["items"]] == list(items)
        assert len(cut) == -(-len(items) // size)
        assert all(len(each["items"]) <= size for each in cut)


def test_a_hundred_thousand_items_become_a_hundred_pods() -> None:
    cut = batches(range(100_000))
    print(cut[0]["name"], cut[-1]["name"])
    assert len(cut) == 100
    assert {len(each["items"]) for each in cut} == {1000}
    assert cut[-1]["name"] == "items 99001 to 100000"


def test_the_stacks_own_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "7")
    assert len(batches(range(100), pods=50)) == 7
    with pytest.raises(ConfigurationError, match="give a size of 15 or more"):
        batches(range(100), size=14)
    assert len(batches(range(100), size=15)) == 7
    with pytest.raises(ConfigurationError, match="more pieces than 7"):
        partition_keys(0, 8, size=1)


def test_any_iterable_is_taken() -> None:
    assert batches(name for name in ("a", "b"))[1]["items"] == ["b"]
    assert batches({"a": 1, "b": 2}.items(), pods=1)[0]["items"] == [("a", 1), ("b", 2)]


MISTAKES: dict[str, tuple[Any, Mapping[str, Any], str]] = {
    "one text": ("orders.csv", {}, "a text was given in place of a list"),
    "no pods": ([1], {"pods": 0}, "can't be cut by 0"),
    "no size": ([1], {"size": 0}, "can't be cut by 0"),
    "too small a size": (range(100_000), {"size": 10}, "make 10000 batches"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str) -> None:
    items, options, told = MISTAKES[mistake]
    with pytest.raises(ConfigurationError, match=told) as caught:
        batches(items, **options)
    print(caught.value)
    assert caught.value.fix


def test_a_batch_passes_through_xcom_and_json_as_it_is() -> None:
    (batch,) = batches([{"path": "für märz.csv", "rows": 3}], pods=1)
    stored: dict[str, Any] = serialize(dict(batch))
    assert deserialize(stored) == batch
    assert json.loads(json.dumps(batch)) == batch


def test_a_pod_returns_what_became_of_each_item(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "updraft.patterns.batching")
    (batch,) = batches([3, 1, 2], pods=1)
    assert process_batch(batch, lambda item: item * 10) == [30, 10, 20]
    print(caplog.messages)
    assert caplog.messages[0] == "items 1 to 3: 3 items"
    assert caplog.messages[-1].startswith("items 1 to 3: all 3 items done in ")
    assert len(caplog.messages) == 2


def test_a_batch_that_lasts_tells_its_progress(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("updraft.patterns.batching.PROGRESS_SECONDS", 0.0)
    caplog.set_level(logging.INFO, "updraft.patterns.batching")
    process_batch(batches(["ab", "c", "d"], pods=1)[0], str.upper)
    print(caplog.messages)
    assert caplog.messages[1:-1] == [f"items 1 to 3: {done} of 3 items done" for done in range(3)]


def test_an_error_keeps_its_type_and_names_its_item(caplog: pytest.LogCaptureFixture) -> None:
    def load(path: str) -> None:
        if path == "b.csv":
            raise SourceUnavailableError("the server is away", where="shop")

    batch = batches(["a.csv", "b.csv", "c.csv", "d.csv"], pods=2)
    with pytest.raises(SourceUnavailableError) as caught:
        process_batch(batch[0], load)
    print(caplog.messages, caught.value.__notes__)
    assert caught.value.__notes__ == ["while processing 'b.csv', number 2 of items 1 to 2"]
    assert caplog.messages[-1] == "Failed: 'b.csv', number 2 of items 1 to 2"
    process_batch(batch[1], load)


def test_batches_of_another_mapped_tasks_results_are_worked_off(run_dag: Any) -> None:
    """Two mappings in a row: the second gets the first one's results by one request."""
    with DAG("batches_in_a_row", schedule=None) as dag:

        @task
        def plan() -> list[int]:
            return list(range(5))

        @task
        def square(number: int) -> int:
            return number * number

        @task
        def again(squares: list[int]) -> list[Batch[int]]:
            return batches(squares, pods=2)

        @task(map_index_template=item_name("batch"))
        def total(batch: Batch[int]) -> int:
            return sum(process_batch(batch, lambda item: item))

        total.expand(batch=again(square.expand(number=plan())))  # type: ignore[arg-type]
    done = run_dag(dag)
    print(done.states, done.names)
    assert done.state == "success"
    assert done.xcom("total") == [1, 29]
    assert done.names["total", 0] == "items 1 to 2"
    assert done.names["total", 1] == "items 3 to 5"
