"""Runs an operator or a whole DAG in this process, by Airflow's own task runner and scheduling."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from updraft.testing.metadata import load_dag, session, store
from updraft.testing.results import UNMAPPED, RunResult, TaskResult

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk import DAG
    from airflow.sdk.bases.operator import BaseOperator
    from airflow.sdk.execution_time.supervisor import TaskRunResult
    from sqlalchemy.orm import Session

Interval = tuple[datetime, datetime]


def run_operator(  # noqa: PLR0913 -- each is a fact of the context that the operator may ask for
    operator: Any,
    *,
    params: Mapping[str, Any] | None = None,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
    data_interval: Interval | None = None,
    xcoms: Mapping[str, Any] | None = None,
    try_number: int = 1,
    map_index: int = UNMAPPED,
    dag_id: str = "",
) -> TaskResult:
    """Run one try of an operator with a real context, as a worker does.

    Its fields are rendered, its connections and variables looked up, its XComs stored, its retry
    policy asked and its callbacks called. The operator itself stays as it was: a copy runs.

    Args:
        operator: It, or a decorated function's call. If it belongs to a DAG, then it runs in it;
            otherwise in one that is made for it.
        params: Params of the DAG that is made for it.
        conf: The run's configuration, which overrides params.
        logical_date: The run's; by default now.
        data_interval: Start and end; by default what the DAG's schedule makes of the logical date.
        xcoms: What other tasks have returned, by task id.
        try_number: Which try it is; a failed one retries unless it was the last.
        map_index: Which item it is, of a mapped task.
        dag_id: The id of the DAG that is made for it; by default test_ and the task's id.

    Raises:
        airflow.sdk.exceptions.AirflowException: The DAG can't be stored. What the operator itself
            raises is in the result.
    """
    task = getattr(operator, "operator", operator)
    dag = task.dag if task.has_dag() else _dag_for(task, dag_id, params, xcoms)
    with session() as opened:
        run = _created(dag, opened, conf, logical_date, data_interval)
        for upstream, value in (xcoms or {}).items():
            _returned(run, upstream, value, opened)
        (instance,) = [
            each for each in run.get_task_instances(session=opened) if each.task_id == task.task_id
        ]
        instance.try_number, instance.map_index = try_number, map_index
        opened.commit()
        return _try(instance, dag.task_dict[task.task_id], opened)


def run_dag(  # noqa: PLR0913 -- as above
    dag: DAG | str | Path,
    *,
    dag_id: str = "",
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
    data_interval: Interval | None = None,
    timeout: float = 120,
) -> RunResult:
    """Run a DAG to its end in this process: mapped tasks, branches, retries, triggers and all.

    Retries happen at once, whatever their delay. A second run with the same logical date replaces
    the first.

    Args:
        dag: The DAG, or the path of its file.
        dag_id: Which, where the file defines several.
        conf: The run's configuration: values for its params.
        logical_date: The run's; by default now.
        data_interval: Start and end; by default what the DAG's schedule makes of the logical date.
        timeout: Seconds after which no further task begins.

    Raises:
        ConfigurationError: The file can't be imported, or has no such DAG.
        TimeoutError: The run didn't end in time, or waits for something that can't happen here.
    """
    found = load_dag(dag, dag_id) if isinstance(dag, str | Path) else dag
    with session() as opened:
        run = _created(found, opened, conf, logical_date, data_interval)
        return _played(found, run, opened, time.monotonic() + timeout)


def _dag_for(
    task: BaseOperator,
    dag_id: str,
    params: Mapping[str, Any] | None,
    xcoms: Mapping[str, Any] | None,
) -> DAG:
    """Make a DAG that holds a copy of the operator, and the tasks whose XComs it reads."""
    from airflow.sdk import DAG  # noqa: PLC0415 -- loaded when a test runs an operator
    from airflow.sdk.bases.operator import BaseOperator  # noqa: PLC0415 -- as above

    dag = DAG(dag_id or f"test_{task.task_id}", schedule=None, params=dict(params or {}))
    dag.add_task(copy.copy(task))
    for upstream in xcoms or {}:
        dag.add_task(BaseOperator(task_id=upstream))
    return dag


def _created(
    dag: DAG,
    opened: Session,
    conf: Mapping[str, Any] | None,
    logical_date: datetime | None,
    interval: Interval | None,
) -> DagRun:
    """Store the DAG and make a run of it, in place of an earlier one of the same date."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415 -- heavy
    from airflow.sdk import timezone  # noqa: PLC0415 -- heavy
    from airflow.utils.state import DagRunState  # noqa: PLC0415 -- heavy
    from airflow.utils.types import DagRunTriggeredByType, DagRunType  # noqa: PLC0415 -- heavy
    from sqlalchemy import select  # noqa: PLC0415 -- heavy

    stored = store(dag, opened)
    now = timezone.utcnow()
    date = timezone.coerce_datetime(logical_date or (interval[0] if interval else now))
    same = select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.logical_date == date)
    for earlier in opened.scalars(same):
        opened.delete(earlier)
    opened.commit()
    run = stored.create_dagrun(
        run_id=f"manual__{date.isoformat()}_{uuid4().hex[:8]}",
        logical_date=date,
        data_interval=interval or stored.timetable.infer_manual_data_interval(run_after=date),
        run_after=now,
        conf=dict(conf or {}),
        run_type=DagRunType.MANUAL,
        state=DagRunState.RUNNING,
        triggered_by=DagRunTriggeredByType.TEST,
        triggering_user_name="updraft.testing",
        start_date=now,
        session=opened,
    )
    opened.commit()
    return run


def _returned(run: DagRun, task_id: str, value: Any, opened: Session) -> None:
    """Let a task of the run have succeeded and returned a value."""
    from airflow.models.xcom import XComModel  # noqa: PLC0415 -- heavy
    from airflow.sdk.serde import serialize  # noqa: PLC0415 -- heavy

    instance = run.get_task_instance(task_id, session=opened)
    if instance is None:
        raise ValueError(f"the DAG has no task {task_id} that could have returned something")
    instance.state = "success"
    XComModel.set(
        key="return_value",
        value=serialize(value),
        task_id=task_id,
        dag_id=run.dag_id,
        run_id=run.run_id,
        session=opened,
    )


def _played(dag: DAG, run: DagRun, opened: Session, end: float) -> RunResult:
    """Do what scheduler and workers do until the run ends."""
    results: dict[tuple[str, int], TaskResult] = {}
    tries: Counter[tuple[str, int]] = Counter()
    before: Mapping[tuple[str, int], str | None] = {}
    while run.state == "running":
        due = _due(run, opened)
        for instance in due:
            if time.monotonic() > end:
                raise TimeoutError(f"{dag.dag_id} has not ended in time: {_states(run, opened)}")
            key = (instance.task_id, instance.map_index)
            results[key] = _try(instance, dag.task_dict[instance.task_id], opened)
            tries[key] += 1
        states = _states(run, opened)
        # A round that only passed a failure or a skip on goes on to the next.
        if not due and run.state == "running" and states == before and not _again(run, opened):
            raise TimeoutError(f"{dag.dag_id} waits in vain: {states}")
        before = states
    return RunResult(str(run.state), _states(run, opened), results, tries)


def _due(run: DagRun, opened: Session) -> Sequence[TaskInstance]:
    """Let the run decide, and return the task instances that begin now."""
    opened.expire_all()
    ready, _ = run.update_state(session=opened)
    for instance in ready:
        if instance.state != "up_for_reschedule":
            instance.try_number += 1
        instance.state = "scheduled"
    opened.commit()
    return [each for each in run.get_task_instances(session=opened) if each.state == "scheduled"]


def _again(run: DagRun, opened: Session) -> bool:
    """Let what waits for its next try begin it; False where nothing does."""
    # A sensor that looks again goes on with its try; a retry is a new one.
    following = {"up_for_retry": None, "up_for_reschedule": "scheduled"}
    waiting = [each for each in run.get_task_instances(session=opened) if each.state in following]
    for instance in waiting:
        instance.state = following[str(instance.state)]
    opened.commit()
    return bool(waiting)


def _states(run: DagRun, opened: Session) -> dict[tuple[str, int], str | None]:
    opened.expire_all()
    return {
        (each.task_id, each.map_index): str(each.state) if each.state else None
        for each in run.get_task_instances(session=opened)
    }


def _try(instance: TaskInstance, task: Any, opened: Session) -> TaskResult:
    """Run one try of a task instance; where it defers, its trigger and what comes after, too."""
    from airflow.sdk.api.datamodels._generated import TaskInstance as Message  # noqa: PLC0415 -- heavy
    from airflow.sdk.execution_time.supervisor import run_task_in_process  # noqa: PLC0415 -- heavy

    what = Message(
        id=UUID(str(instance.id)),
        dag_version_id=UUID(str(instance.dag_version_id)),
        **{
            name: getattr(instance, name)
            for name in ("task_id", "dag_id", "run_id", "try_number", "map_index")
        },
    )
    while True:
        # The API lets only a queued task begin.
        instance.set_state("queued", session=opened)
        opened.commit()
        done = run_task_in_process(ti=what, task=task)
        opened.expire_all()
        if done.state != "deferred":
            return _result(done, opened)
        _triggered(done, what, instance)
        opened.commit()


def _triggered(done: TaskRunResult, what: Any, instance: TaskInstance) -> None:
    """Run the trigger that a task deferred to, and hand its event on."""
    from airflow.sdk._shared.module_loading import import_string  # noqa: PLC0415 -- heavy
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor  # noqa: PLC0415 -- heavy
    from airflow.sdk.serde import deserialize, serialize  # noqa: PLC0415 -- heavy

    message: Any = done.msg
    arguments: Any = deserialize(message.trigger_kwargs)
    trigger = import_string(message.classpath)(**arguments)
    supervisor: Any = InProcessTestSupervisor  # without types
    event = supervisor.run_trigger_in_process(trigger=trigger, ti=what)
    instance.next_method = message.next_method
    if event:
        instance.next_kwargs = {"event": serialize(event.payload)}


def _result(done: TaskRunResult, opened: Session) -> TaskResult:
    """Put together what a try left behind."""
    from airflow.models.xcom import XComModel  # noqa: PLC0415 -- heavy
    from airflow.sdk import TaskInstanceState  # noqa: PLC0415 -- heavy
    from airflow.sdk.bases.xcom import BaseXCom  # noqa: PLC0415 -- heavy
    from sqlalchemy import select  # noqa: PLC0415 -- heavy

    instance, task = done.ti, done.ti.task
    pushed = select(XComModel).where(
        XComModel.dag_id == instance.dag_id,
        XComModel.run_id == instance.run_id,
        XComModel.task_id == instance.task_id,
        XComModel.map_index == instance.map_index,
    )
    events = getattr(done.msg, "outlet_events", None) or []
    return TaskResult(
        state=TaskInstanceState(done.state).value,
        error=done.error,
        xcoms={row.key: BaseXCom.deserialize_value(row) for row in opened.scalars(pushed)},
        rendered={name: getattr(task, name, None) for name in task.template_fields},
        outlet_events={each["dest_asset_key"]["name"]: each["extra"] for each in events},
        retry_delay=getattr(done.msg, "retry_delay_seconds", None),
        name=instance.rendered_map_index,
    )
