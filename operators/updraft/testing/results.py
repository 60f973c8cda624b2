"""What came of a task or of a DAG's run, in plain values to assert on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RETURN_VALUE = "return_value"
# The map index of a task that is not mapped.
UNMAPPED = -1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What came of one try of one task.

    Args:
        state: The task's state after it, such as success, failed, up_for_retry, skipped.
        error: What it raised, if it failed.
        xcoms: What it pushed, by key, as a downstream task gets it.
        rendered: Its template fields, rendered.
        outlet_events: For each asset event: the asset's name to the event's extra.
        retry_delay: Seconds until the next try, where a retry policy chose them.
        name: Its rendered map index, where it has one.

    Example:
        >>> done = TaskResult("success", xcoms={"return_value": 3, "rows": 7})
        >>> done.value, done.xcoms["rows"]
        (3, 7)
    """

    state: str
    error: BaseException | None = None
    xcoms: Mapping[str, Any] = field(default_factory=dict)
    rendered: Mapping[str, Any] = field(default_factory=dict)
    outlet_events: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    retry_delay: float | None = None
    name: str | None = None

    @property
    def value(self) -> Any:
        """What it returned; None where it returned or pushed nothing."""
        return self.xcoms.get(RETURN_VALUE)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a DAG's run: its state, and the last try of each task that ran.

    Args:
        state: The run's: success or failed.
        states: The state of each task instance, those that never ran included, by task id and
            map index (-1 for a task that is not mapped).
        tasks: What came of each task instance that ran.
        tries: How often each of them ran.

    Example:
        >>> squares = {("square", n): TaskResult("success", xcoms={"return_value": n * n},
        ...            name=f"number {n}") for n in range(3)}
        >>> run = RunResult("success", {key: "success" for key in squares}, squares, {})
        >>> run.xcom("square"), run.xcom("square", map_index=2), run.names
        ([0, 1, 4], 4, {('square', 0): 'number 0', ('square', 1): 'number 1', \
('square', 2): 'number 2'})
    """

    state: str
    states: Mapping[tuple[str, int], str | None]
    tasks: Mapping[tuple[str, int], TaskResult]
    tries: Mapping[tuple[str, int], int]

    @property
    def names(self) -> dict[tuple[str, int], str]:
        """The rendered map index of each task instance that has one."""
        return {key: task.name for key, task in self.tasks.items() if task.name}

    @property
    def errors(self) -> dict[tuple[str, int], BaseException]:
        """What each task instance raised whose last try failed."""
        return {key: task.error for key, task in self.tasks.items() if task.error}

    def xcom(self, task_id: str, *, map_index: int | None = None, key: str = RETURN_VALUE) -> Any:
        """Return what a task pushed: a list in the items' order where the task is mapped.

        Args:
            task_id: The task.
            map_index: One item of a mapped task.
            key: The value's key; by default what the task returned.

        Raises:
            KeyError: No such task, or item, ran.
        """
        if map_index is not None:
            return self.tasks[task_id, map_index].xcoms.get(key)
        if (task_id, UNMAPPED) in self.tasks:
            return self.tasks[task_id, UNMAPPED].xcoms.get(key)
        indexes = sorted(index for name, index in self.tasks if name == task_id)
        if not indexes and not any(name == task_id for name, _ in self.states):
            raise KeyError(f"no task {task_id}; there are {sorted({n for n, _ in self.states})}")
        return [self.tasks[task_id, index].xcoms.get(key) for index in indexes]
