"""Gathers what a mapped task returned, and fails only where more failed than is tolerated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, cast

from airflow.sdk import BaseOperator, Context, TaskGroup, XComArg

from updraft.errors import ConfigurationError, DataError

Tolerance = int | float | Callable[[Any], bool]

# The map index of a task that was not mapped, here because there was nothing to map over.
_UNMAPPED = -1
# 0.29 of 100 is 28.999999999999996.
_ROUNDING = 1e-9
# So many failures are named in an error; the log names all.
_NAMED = 20
# What whoever finds it failed at night reads, where its author has written nothing.
_DOCUMENT = """\
Gathers what a mapped task returned, and fails where more of it failed than is tolerated. It changes
nothing: clear the failed ones once they are mended, and it runs again.
"""


class Failure(TypedDict):
    """A mapped task that failed, or that could not run since one before it failed.

    Example:
        >>> Failure(map_index=3, state="failed", item="orders.csv")["item"]
        'orders.csv'
    """

    map_index: int
    state: str
    item: Any


class Collected(TypedDict):
    """What became of a mapping: the values of those that succeeded, their map indexes, the others.

    Example:
        >>> Collected(values=[10, 30], map_indexes=[0, 2], failed=[], skipped=[1])["values"]
        [10, 30]
    """

    values: list[Any]
    map_indexes: list[int]
    failed: list[Failure]
    skipped: list[int]


class CollectOperator(BaseOperator):
    """Gathers a mapped task's results once all have ended, however they ended.

    Its own result is a `Collected`. Skipped ones are no failures, and a mapping over nothing gives
    one of empty lists.

    Args:
        results: What `.expand` or `.expand_kwargs` of a task returned, or of a task group that
            ends with one task.
        tolerate: How many may fail; as a number with a point (0.1) the share of all; or a function
            that says of a failed one's item whether it may fail.
        items: What was mapped over, or the task that returns it: the error and the failures
            then name the items.

    Raises:
        ConfigurationError: The results are not a mapped task's, or the tolerance is not one.
        DataError: More failed than are tolerated, or the mapping itself never came about.

    Example:
        >>> from airflow.sdk import DAG, task
        >>> @task
        ... def load(table): ...
        >>> with DAG("example"):
        ...     done = CollectOperator(
        ...         task_id="collect", results=load.expand(table=["a", "b"]), tolerate=1
        ...     )
        >>> done.upstream_task_ids, done.trigger_rule.value
        ({'load'}, 'all_done')
    """

    template_fields: Sequence[str] = ("items",)

    def __init__(
        self, *, results: Any, tolerate: Tolerance = 0, items: Any = None, **options: Any
    ) -> None:
        super().__init__(**{"doc_md": _DOCUMENT, **options, "trigger_rule": "all_done"})
        self.items = items
        self.tolerate = self._checked(tolerate)
        source = self._mapped(results)
        self.source = source.task_id
        self.set_upstream(source)

    def execute(self, context: Context) -> Collected:
        """Return the results, or fail where more failed than is tolerated."""
        states = self._states(context)
        if _UNMAPPED in states:
            self._never_mapped(states[_UNMAPPED])
            return {"values": [], "map_indexes": [], "failed": [], "skipped": []}
        succeeded = [index for index, state in states.items() if state == "success"]
        failed: list[Failure] = [
            {"map_index": index, "state": state, "item": self._item(index)}
            for index, state in states.items()
            if state not in ("success", "skipped")
        ]
        skipped = [index for index, state in states.items() if state == "skipped"]
        for failure in failed:
            self.log.warning("Failed: %s", self._named(failure))
        self._judge(failed, len(states))
        values = self._values(context, succeeded)
        self.log.info(
            "%d succeeded, %d failed, %d were skipped", len(succeeded), len(failed), len(skipped)
        )
        return {"values": values, "map_indexes": succeeded, "failed": failed, "skipped": skipped}

    def _checked(self, tolerate: Tolerance) -> Tolerance:
        where = f"task {self.task_id}: tolerate={tolerate!r}"
        if callable(tolerate):
            if self.items is None:
                raise ConfigurationError(
                    "a function can't say of which items a failure is tolerated without the items",
                    where=where,
                    fix="give items=…, what was mapped over",
                )
        elif (
            isinstance(tolerate, bool)
            or tolerate < 0
            or (isinstance(tolerate, float) and tolerate > 1)
        ):
            raise ConfigurationError(
                "no number of failures that could be tolerated",
                where=where,
                fix="give a count such as 2, a share such as 0.1, or a function of an item",
            )
        return tolerate

    def _mapped(self, results: Any) -> Any:
        source = results
        if isinstance(results, TaskGroup):
            leaves = list(results.get_leaves())
            source = leaves[0] if len(leaves) == 1 else None
        elif isinstance(results, XComArg):
            source = getattr(results, "operator", None)
        if hasattr(source, "task_id") and (
            source.is_mapped or source.get_closest_mapped_task_group() is not None
        ):
            return source
        raise ConfigurationError(
            "these are not the results of a mapped task",
            where=f"task {self.task_id}: results={results!r:.200}",
            fix="give what .expand(…) of a task returned, or of a group that ends with one task",
        )

    def _states(self, context: Context) -> dict[int, str]:
        """Return the mapped tasks' states by map index, in its order."""
        instance = cast("Any", context["ti"])
        found = instance.get_task_states(
            dag_id=instance.dag_id, task_ids=[self.source], run_ids=[instance.run_id]
        )
        prefix = f"{self.source}_"
        states = {
            _UNMAPPED if name == self.source else int(name.removeprefix(prefix)): str(state)
            for name, state in found.get(instance.run_id, {}).items()
            if state != "removed"
        }
        return dict(sorted(states.items()))

    def _never_mapped(self, state: str) -> None:
        if state == "skipped":
            self.log.info("%s was mapped over nothing, or skipped as a whole", self.source)
            return
        raise DataError(
            f"the mapping never came about: its task is {state}",
            where=f"task {self.source}",
            fix="look at the task that gives the list, mend it and clear it",
        )

    def _judge(self, failed: Sequence[Failure], total: int) -> None:
        tolerate = self.tolerate
        if callable(tolerate):
            refused = [failure for failure in failed if not tolerate(failure["item"])]
            allowed = "these may not"
        else:
            most = int(tolerate * total + _ROUNDING) if isinstance(tolerate, float) else tolerate
            refused = list(failed) if len(failed) > most else []
            allowed = f"{most} may"
        if not refused:
            return
        named = "; ".join(self._named(failure) for failure in refused[:_NAMED])
        more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise DataError(
            f"{len(refused)} of {total} failed, and {allowed}",
            where=f"task {self.source}: {named}{more}",
            fix="read their logs; clear them once they are mended, and this task runs again",
        )

    def _item(self, index: int) -> Any:
        items = self.items
        return items[index] if isinstance(items, Sequence) and index < len(items) else None

    @staticmethod
    def _named(failure: Failure) -> str:
        item = failure["item"]
        name = item.get("name", item) if isinstance(item, dict) else item
        shown = "" if item is None else f" ({name!s:.100})"
        return f"index {failure['map_index']}{shown} {failure['state']}"

    def _values(self, context: Context, succeeded: Sequence[int]) -> list[Any]:
        instance = cast("Any", context["ti"])
        values = instance.xcom_pull(task_ids=[self.source])
        if len(values) == len(succeeded):
            return list(values)
        # One that returned None left nothing; only asking one by one tells which value is whose.
        return [instance.xcom_pull(task_ids=self.source, map_indexes=index) for index in succeeded]


def collect(
    results: Any,
    *,
    tolerate: Tolerance = 0,
    items: Any = None,
    task_id: str = "collect",
    **options: Any,
) -> Any:
    """Return the results of a mapped task, gathered by a task that tolerates chosen failures.

    Args:
        results: What `.expand` or `.expand_kwargs` of a task or of a task group returned.
        tolerate: How many may fail, which share (0.1), or a function of a failed one's item.
        items: What was mapped over: failures are then named by their items.
        task_id: The gathering task's own id.
        options: Any option of an operator.

    Returns:
        An XComArg for a `Collected`, to be handed to the task that follows; typed as anything,
        since to mypy that task takes a `Collected` alone.
    """
    operator = CollectOperator(
        task_id=task_id, results=results, tolerate=tolerate, items=items, **options
    )
    return operator.output
