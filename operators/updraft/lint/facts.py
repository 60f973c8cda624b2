"""What the linter learns of a DAG file by parsing it: plain values that pass between processes."""

from __future__ import annotations

from typing import TypedDict


class TaskFacts(TypedDict):
    """A task, as far as the rules ask for it.

    Example:
        >>> TaskFacts(task_id="load", owner="sales", documented=True, retries=2, mapped=False,
        ...           named=False, pod="")["owner"]
        'sales'
    """

    task_id: str
    owner: str
    documented: bool
    retries: int
    mapped: bool
    named: bool
    # What is wrong with the size of its pod.
    pod: str


class DagFacts(TypedDict):
    """A DAG, as far as the rules ask for it.

    Example:
        >>> DagFacts(dag_id="sales", documented=True, scheduled=True, deadline=False, problem="",
        ...          tasks=[])["dag_id"]
        'sales'
    """

    dag_id: str
    documented: bool
    scheduled: bool
    deadline: bool
    # Why Airflow would refuse it.
    problem: str
    tasks: list[TaskFacts]


class FileFacts(TypedDict):
    """A file, parsed once.

    Example:
        >>> FileFacts(seconds=0.02, imports=[(3, "pandas", 0.4)], calls=[], dags=[], error="",
        ...           line=1, pods=False)["imports"]
        [(3, 'pandas', 0.4)]
    """

    # Seconds of the processor beyond the import of airflow.sdk; of the clock where it waits.
    seconds: float
    # Line, module and seconds of each import that the file itself makes while it is parsed.
    imports: list[tuple[int, str, float]]
    # Line and description of each connection that was tried, and program that was started.
    calls: list[tuple[int, str]]
    dags: list[DagFacts]
    # Why it can't be imported, and where in it.
    error: str
    line: int
    # Whether a task of it brings a pod of its own.
    pods: bool
