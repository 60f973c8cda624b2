"""Says in the UI which item a mapped task works on, in place of its number."""

from __future__ import annotations

from typing import Any, cast

from airflow.sdk import get_current_context

# Longer names do not fit into Airflow's column.
_LENGTH = 200
_VARIABLE = "item_name"

# A mapped task's `map_index_template` whose name `name_item` gives; without one it is the number.
# (A variable that nothing has set would fail the task when it has succeeded.)
ITEM_NAME = f"{{{{ {_VARIABLE} | default(ti.map_index) }}}}"


def item_name(argument: str) -> str:
    """Return a `map_index_template` that shows what a task was mapped over.

    The name shows as soon as the task runs, and the task itself does nothing for it.

    Args:
        argument: The mapped argument. Of an object with a `name`, as `batches` and the
            partitions make, the name is shown; of anything else the value. Inside a mapped group
            give it by its keyword, `load(table=table)`; what is not found shows as the number.

    Example:
        >>> "table" in item_name("table")
        True
    """
    # A function's arguments lie together, an operator's are its attributes.
    return (
        "{% set arguments = task.op_kwargs if task.op_kwargs is defined else task %}"
        f"{{% set item = arguments[{argument!r}] | default(ti.map_index) %}}"
        "{{ (item.name if item is mapping and 'name' in item else item)"
        f" | string | truncate({_LENGTH}, true) }}}}"
    )


def name_item(name: str) -> None:
    """Name the mapped task that runs, where only the task itself knows how.

    Its `map_index_template` has to be ITEM_NAME. Call it first: the name then shows on a task
    that fails, too.

    Args:
        name: What the UI shows.
    """
    context = cast("dict[str, Any]", get_current_context())
    context[_VARIABLE] = name[:_LENGTH]
