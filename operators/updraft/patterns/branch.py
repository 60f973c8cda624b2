"""Chooses by a value which of the tasks that follow run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseBranchOperator, Context

from updraft.errors import ConfigurationError

Rules = Mapping[str, Callable[[Any], bool]]
# What whoever finds it failed at night reads, where its author has written nothing.
_DOCUMENT = """\
Runs the first of the tasks that follow whose rule holds for a value, and skips the others. It
changes nothing, and may be run again.
"""


class BranchOnOperator(BaseBranchOperator):
    """Runs the first of the tasks that follow whose rule holds for a value, and skips the others.

    Args:
        value: The value, or a task's result.
        rules: {task: rule} in the order in which they are asked. A task is named by its id, or by
            that of its group; inside a group without the group's own.
        default: The task for a value that no rule holds for; without one that is an error.

    Raises:
        ConfigurationError: There are no rules, it is inside a mapped group, a task does not
            follow on this one, or no rule holds.

    Example:
        >>> branch = BranchOnOperator(
        ...     task_id="enough", value=7, rules={"publish": lambda rows: rows > 0}, default="alert"
        ... )
        >>> branch.choose(7), branch.choose(0)
        ('publish', 'alert')
    """

    template_fields: Sequence[str] = ("value",)

    def __init__(self, *, value: Any, rules: Rules, default: str | None = None, **options: Any):
        super().__init__(**{"doc_md": _DOCUMENT, **options})
        if not rules:
            raise ConfigurationError(
                "there are no rules to branch by",
                where=f"task {self.task_id}",
                fix='give rules={"task_id": lambda value: …}',
            )
        # https://github.com/apache/airflow/issues/67265
        if self.get_closest_mapped_task_group() is not None:
            raise ConfigurationError(
                "Airflow 3.3 skips nothing after a branch inside a mapped group: all would run",
                where=f"task {self.task_id}",
                fix="let each task that may have nothing to do raise AirflowSkipException, or "
                "branch before the mapping",
            )
        self.value, self.rules, self.default = value, rules, default

    def choose(self, value: Any) -> str:
        """Return the task, as the rules name it, for a value."""
        for target, rule in self.rules.items():
            if rule(value):
                return target
        if self.default is None:
            raise ConfigurationError(
                f"no rule holds for {value!r:.200}",
                where=f"task {self.task_id}; asked for {', '.join(self.rules)}",
                fix="add a rule, or a default",
            )
        return self.default

    def choose_branch(self, context: Context) -> str:  # noqa: ARG002 -- as the base has it
        """Return the id of the task or group to run."""
        targets = {name: self._target(name) for name in (*self.rules, self.default) if name}
        chosen = targets[self.choose(self.value)]
        self.log.info("The value is %.200r: on to %s", self.value, chosen)
        return chosen

    def _target(self, name: str) -> str:
        """Return the full id of a task or group that follows directly."""
        following = set(self.downstream_task_ids)
        groups = self.dag.task_group_dict if self.dag else {}
        prefix = self.task_id.removesuffix(self.label or "")
        for full in (name, f"{prefix}{name}"):
            group = groups.get(full)
            roots = {root.task_id for root in group.roots} if group else {full}
            if roots <= following:
                return full
        raise ConfigurationError(
            f'the task "{name}" does not follow on this one',
            where=f"task {self.task_id}; what follows: {', '.join(sorted(following)) or 'nothing'}",
            fix=f"mend the name in the rules, or add {self.task_id} >> {name}",
        )


def branch_on(
    value: Any,
    rules: Rules,
    *,
    default: str | None = None,
    task_id: str = "branch_on",
    **options: Any,
) -> BranchOnOperator:
    """Return a task that runs the first task whose rule holds for a value; see BranchOnOperator.

    Args:
        value: The value, or a task's result.
        rules: {task: rule} in the order in which they are asked.
        default: The task for a value that no rule holds for; without one that is an error.
        task_id: The branching task's own id.
        options: Any option of an operator.
    """
    return BranchOnOperator(task_id=task_id, value=value, rules=rules, default=default, **options)
