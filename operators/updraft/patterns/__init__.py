"""Patterns of dynamic tasks: cut work into pieces, map over them, branch, and gather the results.

A DAG that loads a month by days, lets a tenth of them fail, and says in the UI which day is which:

    days = partition_interval("2026-03-01", "2026-04-01", every="day", timezone="Europe/Berlin")

    @task(map_index_template=item_name("day"))
    def load(day: Interval) -> int: ...

    report(collect(load.expand(day=days), tolerate=0.1, items=days))

Every piece is plain data with a `name`. Mapping over an empty list is no error: the mapped task is
skipped, and `collect` gives empty lists.
"""

from updraft.patterns.batching import Batch, batches, process_batch
from updraft.patterns.branch import branch_on
from updraft.patterns.fan_in import Collected, Failure, collect
from updraft.patterns.intervals import Interval, partition_interval
from updraft.patterns.keys import KeyRange, partition_keys
from updraft.patterns.names import ITEM_NAME, item_name, name_item
from updraft.patterns.record import record_once

__all__ = [
    "ITEM_NAME",
    "Batch",
    "Collected",
    "Failure",
    "Interval",
    "KeyRange",
    "batches",
    "branch_on",
    "collect",
    "item_name",
    "name_item",
    "partition_interval",
    "partition_keys",
    "process_batch",
    "record_once",
]
