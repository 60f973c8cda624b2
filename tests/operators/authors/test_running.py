"""Operators and DAGs run by updraft.testing behave as they do for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import (
    DAG,
    Asset,
    BaseOperator,
    BaseSensorOperator,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from infra.root import ROOT
from updraft.errors import ConfigurationError
from updraft.testing.postgres import Database
from updraft.testing.results import RunResult, TaskResult

RunOperator = Callable[..., TaskResult]
RunDag = Callable[..., RunResult]
DAGS = ROOT / "dags"


class Report(BaseOperator):
    """Returns what its context says, or raises what it is told to."""

    template_fields = ("text",)

    def __init__(self, *, text: str = "", error: Exception | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.text, self.error = text, error

    def execute(self, context: Any) -> Any:
        """Return or raise it."""
        if self.error:
            raise self.error
        context["ti"].xcom_push("extra", {"day": context["logical_date"]})
        for outlet in context["task"].outlets:
            context["outlet_events"][outlet].extra = {"rows": 3}
        return {"params": dict(context["params"]), "map_index": context["ti"].map_index}


def test_an_operator_has_a_real_context(run_operator: RunOperator) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    operator = Report(
        task_id="report",
        text="{{ ds }} {{ params.name }} {{ data_interval_end | ds }} {{ ti.try_number }}"
        " {{ ti.xcom_pull('before') }}",
        outlets=[Asset("orders")],
    )
    done = run_operator(
        operator,
        params={"name": Param("a", type="string"), "size": 2},
        conf={"name": "b"},
        data_interval=(day, day + timedelta(days=1)),
        xcoms={"before": [1, 2]},
        map_index=4,
    )
    print(done)
    assert (done.state, done.error) == ("success", None)
    assert done.value == {"params": {"name": "b", "size": 2}, "map_index": 4}
    assert done.xcoms["extra"] == {"day": day}
    assert done.rendered == {"text": "2026-03-01 b 2026-03-02 1 [1, 2]"}
    assert done.outlet_events == {"orders": {"rows": 3}}
    assert operator.text.startswith("{{ ds }}")
    assert operator._dag is None


def test_a_decorated_function_runs_alone(run_operator: RunOperator) -> None:
    @task
    def double(number: int) -> int:
        return 2 * number

    assert run_operator(double(21)).value == 42


def test_retries_policies_and_callbacks_are_those_of_a_worker(run_operator: RunOperator) -> None:
    called: list[str] = []
    policy = ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=ValueError, action=RetryAction.FAIL),
            RetryRule(
                exception=OSError, action=RetryAction.RETRY, retry_delay=timedelta(seconds=7)
            ),
        ]
    )

    def attempt(error: Exception, try_number: int = 1) -> TaskResult:
        called.clear()
        return run_operator(
            Report(
                task_id="fails",
                error=error,
                retries=1,
                retry_policy=policy,
                on_retry_callback=lambda _: called.append("retry"),
                on_failure_callback=lambda _: called.append("failure"),
            ),
            try_number=try_number,
        )

    found = []
    for error, number in [
        (OSError("gone"), 1),
        (OSError("gone"), 2),
        (ValueError("bad"), 1),
        (AirflowFailException("no"), 1),
        (AirflowSkipException("nothing"), 1),
    ]:
        done = attempt(error, number)
        raised = type(done.error).__name__ if done.error else None
        found.append((raised, number, done.state, done.retry_delay, list(called)))
    print(*found, sep="\n")
    assert found == [
        ("OSError", 1, "up_for_retry", 7.0, ["retry"]),
        ("OSError", 2, "failed", None, ["failure"]),
        ("ValueError", 1, "failed", None, ["failure"]),
        ("AirflowFailException", 1, "failed", None, ["failure"]),
        (None, 1, "skipped", None, []),
    ]


def test_a_task_leaves_nothing_behind_in_the_process(run_operator: RunOperator) -> None:
    def handler(*_: object) -> None:
        """Do nothing."""

    before = signal.signal(signal.SIGTERM, handler)
    environment = dict(os.environ)
    try:
        run_operator(Report(task_id="report"))
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert dict(os.environ) == environment


def test_a_connection_of_the_test_is_there_for_the_task(
    run_operator: RunOperator, postgres_database: Database
) -> None:
    @task
    def read(conn_id: str) -> Any:
        from airflow.sdk import BaseHook  # noqa: PLC0415 -- as a task does

        hook: Any = BaseHook.get_hook(conn_id)
        return hook.get_first("SELECT current_database()")[0]

    done = run_operator(read(postgres_database.conn_id))
    print(done)
    assert done.value == postgres_database.name


def on_success(context: Any) -> None:
    """Tell that the run's callback was called."""
    print(f"the callback of {context['dag'].dag_id} was called")


async def late(**_: Any) -> None:
    """Do nothing about a run that is late."""


def fan_out() -> DAG:
    @dag(
        schedule=None,
        params={"numbers": 3},
        on_success_callback=on_success,
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=5),
            callback=AsyncCallback(late, kwargs={}),
        ),
    )
    def fans_out() -> None:
        @task
        def numbers() -> list[int]:
            return list(range(get_current_context()["params"]["numbers"]))

        @task(map_index_template="{{ label }}", retries=1, retry_delay=timedelta(hours=1))
        def square(number: int) -> int:
            context: Any = get_current_context()
            context["label"] = f"number {number}"
            if number == 1 and context["ti"].try_number == 1:
                raise OSError("the first try of one")
            return number * number

        @task
        def total(squares: list[int]) -> int:
            return sum(squares)

        total(square.expand(number=numbers()))  # type: ignore[arg-type]  # XComArgs

    made: DAG = fans_out()
    return made


def test_a_dag_with_mapped_tasks_retries_and_a_deadline_runs_to_its_end(
    run_dag: RunDag, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_dag(fan_out(), conf={"numbers": 4})
    print(done)
    assert done.state == "success"
    assert done.xcom("square") == [0, 1, 4, 9]
    assert done.xcom("square", map_index=3) == 9
    assert done.xcom("total") == 14
    assert done.names["square", 1] == "number 1"
    assert done.tries["square", 1] == 2
    assert done.tries["square", 0] == 1
    assert set(done.states.values()) == {"success"}
    assert done.errors == {}
    assert "the callback of fans_out was called" in capsys.readouterr().out


def test_a_failed_run_tells_what_failed_and_what_never_ran(run_dag: RunDag) -> None:
    with DAG("fails", schedule=None) as failing:
        first = Report(task_id="first", error=ValueError("bad"))
        first >> Report(task_id="second")
    done = run_dag(failing)
    print(done)
    assert done.state == "failed"
    assert done.states == {("first", -1): "failed", ("second", -1): "upstream_failed"}
    assert str(done.errors["first", -1]) == "bad"
    assert done.xcom("first") is None
    with pytest.raises(KeyError, match="no task third"):
        done.xcom("third")


class Waits(BaseSensorOperator):
    """A sensor that is satisfied at its second look."""

    looks = 0

    def poke(self, context: Any) -> bool:  # noqa: ARG002 -- its interface
        """Whether this is not the first look."""
        Waits.looks += 1
        return Waits.looks > 1


def test_a_sensor_that_reschedules_looks_again_at_once(run_dag: RunDag) -> None:
    with DAG("waits", schedule=None) as waiting:
        Waits(task_id="look", mode="reschedule", poke_interval=3600)
    Waits.looks = 0
    done = run_dag(waiting)
    print(done, Waits.looks)
    assert done.state == "success"
    assert Waits.looks == 2


def test_a_deferred_task_goes_on_after_its_trigger(run_dag: RunDag) -> None:
    from airflow.providers.standard.sensors.date_time import (  # noqa: PLC0415 -- heavy
        DateTimeSensorAsync,
    )

    with DAG("defers", schedule=None) as deferring:
        DateTimeSensorAsync(task_id="wait", target_time="2020-01-01T00:00:00+00:00")
    done = run_dag(deferring)
    print(done)
    assert done.states == {("wait", -1): "success"}


def test_a_run_that_never_ends_is_given_up(run_dag: RunDag) -> None:
    with DAG("forever", schedule=None) as endless:
        Waits(task_id="look", mode="reschedule", poke_interval=3600)
    Waits.looks = -(10**9)
    with pytest.raises(TimeoutError, match=r"forever has not ended in time.*look") as caught:
        run_dag(endless, timeout=1)
    print(caught.value)


def test_a_dag_file_runs_by_its_path(run_dag: RunDag) -> None:
    done = run_dag(DAGS / "dynamic_tasks.py", conf={"items": 3, "seconds": 0})
    print(done)
    assert done.xcom("summarise")["sum_of_squares"] == 5
    assert list(done.names.values()) == ["item 0", "item 1", "item 2"]


def test_a_file_without_the_dag_is_an_error_that_names_what_is_there(
    run_dag: RunDag, tmp_path: Path
) -> None:
    broken = tmp_path / "broken_dag.py"
    broken.write_text("from airflow.sdk import dag\nimport no_such_module\n")
    with pytest.raises(ConfigurationError, match="no_such_module"):
        run_dag(broken)
    with pytest.raises(ConfigurationError, match="has no DAG other") as caught:
        run_dag(DAGS / "dynamic_tasks.py", dag_id="other")
    print(caught.value)
    assert "dynamic_tasks" in caught.value.fix
    broken.write_text("from airflow.sdk import DAG\na, b = DAG('a'), DAG('b')\n")
    with pytest.raises(ConfigurationError, match="not just one DAG") as caught:
        run_dag(broken)
    assert "a, b" in caught.value.fix


def test_an_xcom_of_a_task_that_the_dag_lacks_is_an_error(run_operator: RunOperator) -> None:
    with DAG("lacks", schedule=None):
        alone = Report(task_id="alone")
    with pytest.raises(ValueError, match="no task before"):
        run_operator(alone, xcoms={"before": 1})


EARLY = """
import airflow.sdk
pytest_plugins = ("updraft.testing.plugin",)
"""


def test_an_airflow_that_is_not_the_test_runs_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(EARLY)
    (tmp_path / "test_early.py").write_text("def test_it(run_dag): ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(DAGS.parent / "operators")},
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 1
    assert "Airflow was imported before the test run had an Airflow of its own" in done.stdout


def test_a_second_run_of_a_date_replaces_the_first(run_dag: RunDag) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    found = [
        run_dag(fan_out(), logical_date=day, conf={"numbers": n}).xcom("total") for n in (2, 3)
    ]
    print(found)
    assert found == [1, 5]
