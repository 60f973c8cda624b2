"""Finds the DAGs that a parsed file defines, and what the rules ask of them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions.mappedoperator import MappedOperator

from updraft.errors import UpdraftError
from updraft.lint.facts import DagFacts, TaskFacts
from updraft.sizes import refuse_above_quota

DOCUMENTS = ("doc_md", "doc", "doc_rst", "doc_json", "doc_yaml")
# How the timetables of DAGs are called that only a person, or an asset, starts.
UNSCHEDULED = ("NullTimetable",)


def facts_of(module: ModuleType) -> tuple[list[DagFacts], bool]:
    """Return the facts of a file's DAGs, and whether one of their tasks brings its own pod."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, DAG)}
    found |= {id(each): each for each, _ in DagContext.autoregistered_dags}
    dags = list(found.values())
    pods = any(_pod(task) is not None for dag in dags for task in dag.tasks)
    return [_dag(each) for each in dags], pods


def _dag(dag: DAG) -> DagFacts:
    problem = ""
    try:
        dag.validate()  # type: ignore[no-untyped-call]
        dag.check_cycle()
    except Exception as error:  # whatever it is, Airflow would refuse the DAG
        problem = f"{type(error).__name__}: {error}"
    return {
        "dag_id": dag.dag_id,
        "documented": bool((dag.doc_md or "").strip()),
        "scheduled": type(dag.timetable).__name__ not in UNSCHEDULED,
        "deadline": bool(dag.deadline),
        "problem": problem,
        "tasks": [_task(each) for each in dag.tasks],
    }


def _task(task: Any) -> TaskFacts:
    options = task.partial_kwargs if isinstance(task, MappedOperator) else vars(task)
    return {
        "task_id": task.task_id,
        "owner": task.owner,
        # Airflow shows no docstring of a mapped function, but whoever reads the file has it.
        "documented": any(options.get(name) for name in DOCUMENTS)
        or bool(getattr(getattr(task, "python_callable", None), "__doc__", "")),
        "retries": task.retries or 0,
        "mapped": isinstance(task, MappedOperator),
        "named": bool(options.get("map_index_template")),
        "pod": _refused(_pod(task)),
    }


def _pod(task: Any) -> Any:
    """The pod that a task brings, if it brings one."""
    return (task.executor_config or {}).get("pod_override")


def _refused(pod: Any) -> str:
    """Why the quota would refuse a pod for ever; empty where it wouldn't."""
    containers = [each.resources for each in pod.spec.containers] if pod and pod.spec else []
    asked = [
        {"requests": each.requests or {}, "limits": each.limits or {}}
        for each in containers
        if each
    ]
    try:
        refuse_above_quota(asked, "")
    except UpdraftError as error:
        return error.what
    return ""
