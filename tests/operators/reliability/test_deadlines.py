"""A missed deadline is told by Airflow's own triggerer, from what the scheduler's code stored."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineReference
from sqlalchemy import select

from tests.waiting import wait_for
from updraft import webhook as webhooks
from updraft.deadlines import deadline, tell_missed
from updraft.errors import ConfigurationError, TransientError
from updraft.testing.metadata import session

LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)


def late(**options: Any) -> DAG:
    """A DAG whose run of long ago is late as soon as there is one."""
    given = {"reference": DeadlineReference.DAGRUN_LOGICAL_DATE, **options}
    with DAG("shop", schedule=None, deadline=deadline(timedelta(hours=2), **given)) as dag:

        @task
        def load() -> None: ...

        load()
    return dag


def missed() -> tuple[str, dict[str, Any]]:
    """Let the scheduler's code handle what is late; return the trigger that it stored."""
    from airflow.models.deadline import Deadline  # noqa: PLC0415 -- heavy
    from airflow.models.trigger import Trigger  # noqa: PLC0415 -- heavy

    with session() as opened:
        for found in opened.scalars(select(Deadline).where(~Deadline.missed)):
            found.handle_miss(opened)
        opened.flush()
        (trigger,) = opened.scalars(select(Trigger))
        return trigger.classpath, trigger.kwargs


@pytest.fixture
def triggers(own_airflow: None) -> Iterator[Callable[[], list[dict[str, Any]]]]:  # noqa: ARG001
    """What became of the callbacks; none is there from another test, and none left for one."""
    from airflow.models.callback import Callback  # noqa: PLC0415 -- heavy
    from airflow.models.deadline import Deadline  # noqa: PLC0415 -- heavy
    from airflow.models.trigger import Trigger  # noqa: PLC0415 -- heavy

    def clear() -> None:
        with session() as opened:
            for model in (Deadline, Callback, Trigger):
                for row in opened.scalars(select(model)):
                    opened.delete(row)
                opened.flush()

    def outcomes() -> list[dict[str, Any]]:
        with session() as opened:
            found = opened.scalars(select(Callback))
            return [{"state": str(each.state), "output": each.output} for each in found]

    clear()
    yield outcomes
    clear()


@pytest.fixture
def triggerer(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A real triggerer on the test run's metadata database; the function returns its log so far."""
    log = tmp_path / "triggerer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"],
            stdout=output, stderr=output, start_new_session=True, env=dict(os.environ),
        )  # fmt: skip
        try:
            yield log.read_text
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_the_triggerer_tells_a_missed_deadline_and_counts_it(
    webhook: Any, statsd: Any, run_dag: Callable[..., Any], triggers: Any,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    run_dag(late(), logical_date=LONG_AGO)
    classpath, kwargs = missed()
    print(classpath, json.dumps(kwargs, default=str)[:2000])
    log = request.getfixturevalue("triggerer")
    try:
        wait_for(lambda: triggers()[0]["state"] == "success", 90, "the callback's success")
    finally:
        print(log()[-3000:])
    (message,) = webhook.messages
    print(json.dumps(message, indent=1), triggers())
    assert triggers()[0]["output"] == "told by connection alerts"
    expected = {"kind": "deadline", "dag_id": "shop", "deadline": "2h", "state": "success"}
    assert {key: message[key] for key in expected} == expected
    assert message["run_id"].startswith("manual__2026-03-01")
    assert message["deadline_time"].startswith("2026-03-01 02:00")
    assert message["url"].startswith("https://air.example.com/base/dags/shop/runs/manual__2026")
    assert f"missed its deadline 2h at {message['deadline_time']}" in message["text"]
    counted = statsd.lines("updraft.deadline.missed") + statsd.lines("updraft.notifications")
    print(counted)
    assert len(counted) == 2
    assert {"dag_id=shop", "deadline=2h"} <= set(counted[0].split(":")[0].split(","))
    assert {"kind=deadline", "result=sent"} <= set(counted[1].split(":")[0].split(","))


@pytest.fixture
def webhook_in_environment(webhook: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The webhook for callbacks in this process, which asks no API for connections."""
    fields = {"conn_type": "generic", "password": webhook.url}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps(fields))
    return webhook


def test_the_callback_gets_what_it_needs_from_airflows_trigger(
    webhook_in_environment: Any, run_dag: Callable[..., Any], triggers: Any
) -> None:
    from airflow.triggers.callback import CallbackTrigger  # noqa: PLC0415 -- heavy

    run_dag(late(name="morning", conn_id="alerts"), logical_date=LONG_AGO)
    _, kwargs = missed()
    assert triggers()[0]["state"] == "queued"

    async def events() -> list[Any]:
        return [event.payload async for event in CallbackTrigger(**kwargs).run()]

    found = asyncio.run(events())
    print(found, webhook_in_environment.messages)
    assert [str(each["state"]) for each in found] == ["running", "success"]
    assert webhook_in_environment.messages[0]["deadline"] == "morning"


CONTEXT = {
    "dag_run": {
        "dag_id": "shop",
        "dag_run_id": "nightly",
        "state": "running",
        "start_date": "2026-03-01",
    },
    "deadline": {"id": "1", "deadline_time": LONG_AGO},
}


def tell(**options: Any) -> str:
    return asyncio.run(tell_missed(**{"name": "2h", "context": CONTEXT, **options}))


def test_what_can_not_be_told_is_counted_and_raised_for_airflow_to_keep(
    webhook_in_environment: Any, statsd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "FIRST_WAIT", 0.02)
    webhook = webhook_in_environment
    webhook.answer = lambda _: (503, {})
    with pytest.raises(TransientError, match="HTTP 503") as caught:
        tell()
    with pytest.raises(ConfigurationError, match="can't be used") as named:
        tell(conn_id="no-such")
    print(caught.value, named.value, statsd.lines("updraft"))
    assert webhook.requests == 4
    assert named.value.where == "no-such"
    assert len(statsd.lines("updraft.deadline.missed")) == 2


def test_a_run_that_has_not_begun_is_told_as_such(webhook_in_environment: Any) -> None:
    tell()
    run = {"dag_id": "shop", "dag_run_id": "nightly", "state": "queued", "start_date": None}
    tell(context={**CONTEXT, "dag_run": run})
    tell(context=None)
    texts = [each["text"].splitlines()[0] for each in webhook_in_environment.messages]
    print(*texts, sep="\n")
    assert texts[0].endswith("it is running, begun at 2026-03-01")
    assert texts[1].endswith("it is queued, not begun")


def test_without_a_webhook_the_deadline_is_counted_alone(
    statsd: Any, own_airflow: None  # noqa: ARG001 -- before
) -> None:  # fmt: skip
    told = tell()
    print(told)
    assert "notifications_conn_id names no connection" in told
    assert "shop is late: run nightly missed its deadline 2h" in told
    assert len(statsd.lines("updraft.deadline.missed")) == 1
    assert statsd.lines("updraft.notifications") == []


def test_a_connection_that_is_no_webhooks_is_refused(
    monkeypatch: pytest.MonkeyPatch, own_airflow: None  # noqa: ARG001 -- before
) -> None:  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", '{"conn_type": "generic", "password": "x"}')
    with pytest.raises(ConfigurationError, match="no address of a webhook"):
        tell(conn_id="warehouse")


@pytest.mark.parametrize(
    ("interval", "name"),
    [
        (timedelta(minutes=90), "90m"), (timedelta(hours=2), "2h"), (timedelta(days=1), "1d"),
        (timedelta(seconds=90), "90s"), (timedelta(seconds=0.5), "0.5s"),
        (timedelta(days=1, hours=1), "25h"),
    ],
)  # fmt: skip
def test_a_deadline_is_called_by_its_interval(interval: timedelta, name: str) -> None:
    made = deadline(interval)
    assert made.name == name
    # A synchronous one ends the scheduler's loop on KubernetesExecutor.
    assert isinstance(made.callback, AsyncCallback)
    assert made.callback.path == "updraft.deadlines.tell_missed"
    assert made.callback.kwargs["name"] == name


@pytest.mark.parametrize(
    ("interval", "options"),
    [(timedelta(0), {}), (timedelta(-1), {}), (90, {})]
    + [(timedelta(1), {"name": name}) for name in ("", "a b", "a,b=c", "x" * 101)],
)
def test_a_deadline_that_can_not_be_is_refused_when_the_dag_is_parsed(
    interval: Any, options: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        deadline(interval, **options)
    print(caught.value)
