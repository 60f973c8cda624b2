"""A failure is told to a webhook by a task's own process and by the DAG processor, or logged."""

from __future__ import annotations

import json
import re
import selectors
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from airflow.sdk import DAG, BaseOperator, Connection, task
from airflow.sdk.log import mask_secret

from infra.root import ROOT
from tests.operators.reliability.conftest import relative
from tests.waiting import wait_for
from updraft import webhook as webhooks
from updraft.errors import ConfigurationError, DataError
from updraft.notify import FailureNotifier, failure
from updraft.webhook import Webhook

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "FIRST_WAIT", 0.02)


class Fails(BaseOperator):
    """Raises what it is given."""

    def __init__(self, *, error: BaseException, **options: Any) -> None:
        super().__init__(**options)
        self.error = error

    def execute(self, context: Any) -> None:  # noqa: ARG002 -- Airflow's
        """Raise it."""
        raise self.error


def failing(error: BaseException, **options: Any) -> Fails:
    given = {"task_id": "load", "owner": "shop team", "on_failure_callback": FailureNotifier()}
    return Fails(error=error, **{**given, **options})


def test_a_failure_is_told_with_all_that_finds_it(
    webhook: Any, statsd: Any, run_operator: Run
) -> None:
    error = DataError("3 orders without a customer", where="orders")
    result = run_operator(failing(error, retries=1), try_number=2, map_index=7, dag_id="shop")
    (message,) = webhook.messages
    print(json.dumps(message, indent=1), webhook.headers, statsd.lines("updraft.notifications"))
    assert result.state == "failed"
    assert webhook.headers[0]["Content-Type"] == "application/json"
    expected = {
        "kind": "failure", "dag_id": "shop", "task_id": "load", "map_index": 7, "try_number": 2,
        "tries": 2, "owner": "shop team",
        "exception": {"type": "DataError", "message": str(error)},
    }  # fmt: skip
    assert {key: message[key] for key in expected} == expected
    run = message["run_id"].replace(":", "%3A").replace("+", "%2B")
    page = f"https://air.example.com/base/dags/shop/runs/{run}/tasks/load/mapped/7?try_number=2"
    assert message["url"] == page
    assert message["text"] == (
        f"shop.load [7] failed, try 2 of 2 in run {message['run_id']} (owner shop team): "
        f"DataError: {error}\n{page}"
    )
    (line,) = statsd.lines("updraft.notifications")
    assert {"kind=failure", "result=sent"} <= set(line.split(":")[0].split(","))


def test_a_mapped_tasks_own_name_says_which_item(webhook: Any, run_dag: Run) -> None:
    with DAG("shop", schedule=None) as dag:

        @task(
            map_index_template="{{ task.op_kwargs['page'] }}", on_failure_callback=FailureNotifier()
        )
        def load(page: str) -> None:
            if page == "märz":
                raise ValueError("no such page")

        load.expand(page=["april", "märz"])
    run_dag(dag)
    (message,) = webhook.messages
    print(message["text"])
    assert (message["map_index"], message["map_name"]) == (1, "märz")
    assert message["text"].startswith("shop.load [märz] failed")


def test_a_text_can_not_call_everybody_and_a_secret_stays_one(
    webhook: Any,
    run_operator: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    mask_secret("hunter2-secret")
    error = ValueError("<!channel> & hunter2-secret " + "x" * 10_000)
    run_operator(failing(error))
    (message,) = webhook.messages
    logged = capfd.readouterr().out
    print(message["text"])
    assert "ValueError: &lt;!channel&gt; &amp; *** xxx" in message["text"]
    assert len(message["text"]) < 1000
    assert message["url"] is None
    assert "hunter2-secret" not in json.dumps(message)
    assert "a-secret-path" not in logged


def test_the_platforms_own_links_are_told_where_the_ids_fill_them(
    webhook: Any, run_operator: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = [
        {"name": "Logs", "url": "https://logs.example.com/?q={dag_id}/{task_id}/{try_number}"},
        {"name": "Pod", "url": "https://pods.example.com/{pod}"},
    ]
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LINKS", json.dumps({"extra": extra}))
    run_operator(failing(ValueError()), dag_id="shop")
    (message,) = webhook.messages
    assert message["links"] == {"Logs": "https://logs.example.com/?q=shop/load/1"}
    assert message["text"].endswith("\nLogs: https://logs.example.com/?q=shop/load/1")


def test_a_link_within_the_ui_is_told_as_a_whole_address(
    webhook: Any, run_operator: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"logs": "/base/plugin/platform/base/platform/?dag_id={dag_id}#tries"}
    monkeypatch.setenv("AIRFLOW__UPDRAFT__LINKS", json.dumps(own))
    run_operator(failing(ValueError()), dag_id="shop")
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    run_operator(failing(ValueError()), dag_id="shop")
    with_address, without = webhook.messages
    print(with_address["text"], without["text"], sep="\n")
    whole = "https://air.example.com/base/plugin/platform/base/platform/?dag_id=shop#tries"
    assert with_address["links"] == {"Logs": whole}
    assert with_address["text"].endswith(f"\nLogs: {whole}")
    assert without["links"] == {}


def test_the_dag_of_the_how_to_tells_of_its_failure(
    webhook: Any, run_dag: Run, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "howto" / "change-a-setting.md").read_text()
    (block,) = re.findall(r"^ *```python\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    body = '"""Load them."""'
    assert block.count(body) == 1
    file = tmp_path / "shop.py"
    file.write_text(textwrap.dedent(block).replace(body, "raise ValueError"))
    run = run_dag(file)
    (message,) = webhook.messages
    print(run.state, message["text"])
    assert message["text"].startswith("shop.load failed, try 3 of 3")
    assert "(owner sales)" in message["text"]


def test_a_relative_address_in_a_message_is_found() -> None:
    text = "It failed\n/dags/shop\nLogs: /plugin/platform/"
    found = relative({"text": text, "url": "/dags/shop", "links": {"Logs": "/plugin/platform/"}})
    print(found)
    assert found == ["/dags/shop", "/plugin/platform/"] * 2


def test_a_busy_webhook_is_asked_again(webhook: Any, run_operator: Run) -> None:
    answers = {1: None, 2: (503, {}), 3: (429, {"Retry-After": "0"})}
    webhook.answer = lambda number: answers.get(number, (200, {}))
    run_operator(failing(ValueError()))
    print(webhook.requests)
    assert webhook.requests == 4
    assert len(set(webhook.bodies)) == 1


def never(_: int) -> tuple[int, dict[str, str]]:
    return 503, {}


def refuses(_: int) -> tuple[int, dict[str, str]]:
    return 404, {}


CASES = {
    "busy": (never, 4, "HTTP 503"),
    "refuses": (refuses, 1, "HTTP 404"),
    "hangs up": (lambda _: None, 4, "RemoteProtocolError"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_can_not_be_sent_is_logged_and_changes_nothing(
    webhook: Any, statsd: Any, run_operator: Run, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    answer, requests, reason = CASES[case]
    webhook.answer = answer
    result = run_operator(failing(ValueError("the task's own")))
    told = [each for each in caplog.records if each.name == "updraft.notify"]
    error = told[0].exc_info[1] if told and told[0].exc_info else None
    print(error, statsd.lines("updraft.notifications"))
    assert result.state == "failed"
    assert str(result.error) == "the task's own"
    assert webhook.requests == requests
    assert "could not be told" in told[0].message
    assert reason in str(error)
    assert "connection alerts, host 127.0.0.1" in str(error)
    assert "a-secret-path" not in str(error)
    (line,) = statsd.lines("updraft.notifications")
    assert "result=failed" in line


def test_a_webhook_that_never_answers_holds_a_task_for_a_limited_time(
    webhook: Any,
    run_operator: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE", 0.3)

    def silent(_: int) -> tuple[int, dict[str, str]]:
        wait_for(lambda: bool(told()), 20, "the notifier to give up")
        return 200, {}

    def told() -> list[Any]:
        return [each for each in caplog.records if each.name == "updraft.notify"]

    webhook.answer = silent
    assert run_operator(failing(ValueError())).state == "failed"
    assert "TimeoutError" in str(told()[0].exc_info)


@pytest.mark.parametrize("conn_id", ["no-such", ""])
def test_a_missing_connection_is_named_in_the_log(
    conn_id: str,
    run_operator: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__NOTIFICATIONS_CONN_ID", conn_id)
    result = run_operator(failing(ValueError("the task's own")))
    (record,) = [each for each in caplog.records if each.name == "updraft.notify"]
    text = f"{record.getMessage()} {record.exc_info[1] if record.exc_info else ''}"
    print(text)
    assert result.state == "failed"
    assert ("no-such" if conn_id else "notifications_conn_id names a connection") in text
    assert ("AIRFLOW_CONN_NO-SUCH" if conn_id else "the task's own") in text


def test_a_notifiers_own_connection_comes_before_the_platforms(
    webhook: Any, run_operator: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__UPDRAFT__NOTIFICATIONS_CONN_ID", "no-such")
    run_operator(failing(ValueError(), on_failure_callback=FailureNotifier("alerts")))
    assert webhook.requests == 1


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"password": "https://hooks.example.com/T0/x?y=1"}, "https://hooks.example.com/T0/x?y=1"),
        ({"host": "https://hooks.example.com/a"}, "https://hooks.example.com/a"),
        ({"host": "hooks.example.com", "schema": "https"}, "https://hooks.example.com"),
        ({"host": "hook", "port": 81, "conn_type": "http"}, "http://hook:81/"),
        ({"host": "hook", "schema": "a/b", "conn_type": "https"}, "https://hook/a/b"),
        ({"host": "hook", "password": "a-password"}, "http://hook"),
    ],
)
def test_an_address_is_found_where_people_write_it(fields: dict[str, Any], url: str) -> None:
    found = Webhook.of(Connection(conn_id="alerts", **fields))
    print(found)
    assert found.url == url
    assert url not in repr(found)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "no address"),
        ({"password": "ftp://hooks.example.com"}, "no address"),
        ({"password": "https://[::bad"}, "no address"),
        ({"host": "hook", "extra": "[1]"}, "not JSON with headers"),
        ({"host": "hook", "extra": "{"}, "not JSON with headers"),
        ({"host": "hook", "extra": '{"headers": 3}'}, "not JSON with headers"),
    ],
)
def test_a_connection_without_an_address_is_refused_by_name(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Webhook.of(Connection(conn_id="alerts", **fields))
    print(caught.value)
    assert caught.value.where == "alerts"


def test_further_headers_come_from_the_connections_extra(
    source: Any, run_operator: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"conn_type": "http", "password": source.url}
    extra = {"headers": {"Authorization": "Bearer abc"}}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps({**fields, "extra": extra}))
    run_operator(failing(ValueError(), on_failure_callback=FailureNotifier("mine")))
    assert source.headers[0]["Authorization"] == "Bearer abc"


FILE = """
    from airflow.sdk import DAG, BaseOperator
    from updraft.notify import FailureNotifier
    with DAG("shop", on_failure_callback=FailureNotifier()):
        BaseOperator(task_id="load", owner="shop team", on_failure_callback=FailureNotifier())
"""


@pytest.fixture
def processor(
    execution_api: Any, tmp_path: Path
) -> Callable[[Callable[[dict[str, Any]], Any]], None]:
    """Let a process of the DAG processor, which has no database, run a callback of the DAG."""
    from airflow.dag_processing.processor import DagFileProcessorProcess  # noqa: PLC0415 -- heavy
    from airflow.sdk.api.client import Client  # noqa: PLC0415 -- heavy

    file = tmp_path / "shop.py"
    file.write_text(textwrap.dedent(FILE))

    def run(make: Callable[[dict[str, Any]], Any]) -> None:
        place = {"filepath": "shop.py", "bundle_name": "dags-folder", "bundle_version": None}
        log = structlog.get_logger()
        with selectors.DefaultSelector() as selector, (tmp_path / "log").open("wb") as handle:
            process = DagFileProcessorProcess.start(
                id=UUID(int=1), path=file, bundle_path=tmp_path, bundle_name="dags-folder",
                dag_file_rel_path="shop.py", callbacks=[make(place)], selector=selector,
                logger=log, logger_filehandle=handle, subprocess_logs_to_stdout=True,
                client=Client(base_url=execution_api.url, token=execution_api.token),
            )  # fmt: skip

            def ended() -> bool:
                process._service_subprocess(0.1)
                return process.is_ready

            try:
                wait_for(ended, 60, "the DAG processor's child")
            finally:
                process.close()  # type: ignore[no-untyped-call]

    return run


def test_a_task_whose_process_was_lost_is_told_by_the_dag_processor(
    webhook: Any, processor: Any, statsd: Any
) -> None:
    from airflow.callbacks.callback_requests import TaskCallbackRequest  # noqa: PLC0415 -- heavy
    from airflow.sdk.api.datamodels._generated import TaskInstance  # noqa: PLC0415 -- heavy

    instance = TaskInstance(
        id=UUID(int=2), dag_version_id=UUID(int=3), dag_id="shop", task_id="load",
        run_id="nightly", try_number=1, map_index=-1,
    )  # fmt: skip
    processor(lambda place: TaskCallbackRequest(**place, ti=instance, msg="no heartbeat"))
    (message,) = webhook.messages
    print(message, statsd.lines("updraft.notifications"))
    assert (message["task_id"], message["owner"]) == ("load", "shop team")
    assert message["exception"]["type"] == "Lost"
    assert "eviction" in message["text"]
    assert message["url"].endswith("/dags/shop/runs/nightly/tasks/load?try_number=1")
    assert statsd.lines("updraft.notifications"), "the DAG processor counts it, too"


def test_a_dags_own_callback_tells_the_run(webhook: Any, processor: Any) -> None:
    from airflow.callbacks.callback_requests import DagCallbackRequest  # noqa: PLC0415 -- heavy

    processor(
        lambda place: DagCallbackRequest(
            **place, dag_id="shop", run_id="nightly", msg="task_failure", is_failure_callback=True
        )
    )
    (message,) = webhook.messages
    print(message)
    assert message["text"].startswith("Run nightly of shop failed: task_failure\nhttps://")
    assert message["url"] == "https://air.example.com/base/dags/shop/runs/nightly"
    assert "task_id" not in message


def test_a_context_that_knows_little_makes_a_message_all_the_same() -> None:
    with DAG("shop") as dag:
        pass
    told = failure({"dag": dag, "run_id": "nightly", "reason": "timed_out"})
    nothing = failure({})
    print(told, nothing)
    assert told["text"].startswith("Run nightly of shop failed: timed_out")
    assert nothing["kind"] == "failure"


def test_a_connection_that_is_no_webhooks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", '{"conn_type": "generic", "password": "x"}')
    with pytest.raises(ConfigurationError, match="no address of a webhook"):
        webhooks.find("warehouse")
