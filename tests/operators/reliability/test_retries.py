"""The retry policy, asked by Airflow's own task runner about errors that really happened."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, task
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowTaskTimeout

from updraft import classify
from updraft.errors import (
    ConfigurationError,
    PoisonRecordError,
    SourceUnavailableError,
    TransientError,
)
from updraft.retries import RetryTransient, asked_wait

FIRST = 20
POLICY = RetryTransient(first_delay=timedelta(seconds=FIRST), longest_delay=timedelta(minutes=5))
Action = Callable[[], object]


class Does(BaseOperator):
    """Does what it is given."""

    def __init__(self, *, action: Action, **options: Any) -> None:
        super().__init__(**options)
        self.action = action

    def execute(self, context: Any) -> None:  # noqa: ARG002 -- Airflow's
        """Do it."""
        self.action()


@pytest.fixture
def tried(run_operator: Callable[..., Any]) -> Callable[[Action], Any]:
    """The result of the first of four tries of a task under the policy."""

    def run(action: Action) -> Any:
        operator = Does(task_id="task", action=action, retries=3, retry_policy=POLICY)
        result = run_operator(operator)
        print(type(result.error), str(result.error)[:200], result.state, result.retry_delay)
        return result

    return run


def terminated(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    with psycopg.connect(database.uri) as connection:
        database.sql("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)
        connection.execute("SELECT 1")


def deadlocked(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    database.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)")
    update, held = "UPDATE t SET n = n + 1 WHERE id = %s", threading.Barrier(2, timeout=10)
    errors = list[Exception]()

    def both(first: int, second: int) -> None:
        try:
            with psycopg.connect(database.uri) as connection:
                connection.execute("SET deadlock_timeout = '50ms'")
                connection.execute(update, [first])
                held.wait()
                connection.execute(update, [second])
        except psycopg.Error as error:
            errors.append(error)

    other = threading.Thread(target=both, args=(2, 1))
    other.start()
    both(1, 2)
    other.join(10)
    raise errors[0]


def unserializable(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    database.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
    with psycopg.connect(database.uri) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.execute("SELECT n FROM t")
        database.sql("UPDATE t SET n = 2")
        connection.execute("UPDATE t SET n = 3")


def locked(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    database.sql("CREATE TABLE t (n int)")
    with psycopg.connect(database.uri) as connection:
        connection.execute("LOCK TABLE t")
        database.sql("BEGIN; LOCK TABLE t NOWAIT")


def lost_below_sqlalchemy(database: Any) -> None:
    from airflow.sdk import BaseHook  # noqa: PLC0415 -- only here
    from sqlalchemy import text  # noqa: PLC0415 -- only here

    engine = BaseHook.get_hook(database.conn_id).get_sqlalchemy_engine()
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        database.sql("SELECT pg_terminate_backend(%s)", pid)
        connection.execute(text("SELECT 1"))


def lost_below_an_airflow_exception(database: Any) -> None:
    try:
        terminated(database)
    except Exception:
        raise AirflowException("the hook says so")  # noqa: B904 -- as many hooks do


def no_server(_: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    psycopg.connect(f"postgresql://nobody@127.0.0.1:{port}/none")


def no_server_for_the_other_driver(_: Any) -> None:
    import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 -- only here

    psycopg2.connect("postgresql://nobody@127.0.0.1:1/none")


PASSING = (
    terminated, deadlocked, unserializable, locked, lost_below_sqlalchemy,
    lost_below_an_airflow_exception, no_server, no_server_for_the_other_driver,
)  # fmt: skip


@pytest.mark.parametrize("happening", PASSING, ids=lambda each: each.__name__)
def test_what_a_database_gets_over_is_tried_again_after_a_random_wait(
    happening: Callable[[Any], None], postgres_database: Any, tried: Callable[[Action], Any]
) -> None:
    result = tried(lambda: happening(postgres_database))
    assert result.state == "up_for_retry"
    assert 0 <= result.retry_delay <= FIRST


def wrong_password(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    psycopg.connect(database.uri, password="wrong")  # noqa: S106


def no_database(database: Any) -> None:
    import psycopg  # noqa: PLC0415 -- only here

    psycopg.connect(f"{database.uri}_no")


def no_table(database: Any) -> None:
    database.sql("SELECT * FROM nowhere")


def no_number(database: Any) -> None:
    database.sql("SELECT 'x'::int")


def no_table_below_sqlalchemy(database: Any) -> None:
    from airflow.sdk import BaseHook  # noqa: PLC0415 -- only here
    from sqlalchemy import text  # noqa: PLC0415 -- only here

    with BaseHook.get_hook(database.conn_id).get_sqlalchemy_engine().connect() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


LASTING = (wrong_password, no_database, no_table, no_number, no_table_below_sqlalchemy)


@pytest.mark.parametrize("mistake", LASTING, ids=lambda each: each.__name__)
def test_a_mistake_that_a_database_reports_fails_at_once(
    mistake: Callable[[Any], None], postgres_database: Any, tried: Callable[[Action], Any]
) -> None:
    assert tried(lambda: mistake(postgres_database)).state == "failed"


def test_a_constraint_may_hold_at_another_time_so_the_tasks_own_retries_decide(
    postgres_database: Any, tried: Callable[[Action], Any]
) -> None:
    postgres_database.sql("CREATE TABLE t (n int PRIMARY KEY)")
    result = tried(lambda: postgres_database.sql("INSERT INTO t VALUES (1), (1)"))
    assert (result.state, result.retry_delay) == ("up_for_retry", None)


def by_requests(url: str) -> None:
    import requests  # noqa: PLC0415 -- only here

    requests.get(url, timeout=0.5).raise_for_status()


def by_httpx(url: str) -> None:
    import httpx  # noqa: PLC0415 -- only here

    httpx.get(url, timeout=0.5).raise_for_status()


def by_aiohttp(url: str) -> None:
    import asyncio  # noqa: PLC0415 -- only here

    import aiohttp  # noqa: PLC0415 -- only here

    async def get() -> None:
        timeout = aiohttp.ClientTimeout(0.5)
        async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session:
            await session.get(url)

    asyncio.run(get())


def by_urllib(url: str) -> None:
    urllib.request.urlopen(url, timeout=0.5).close()  # noqa: S310 -- loopback


CLIENTS = (by_requests, by_httpx, by_aiohttp, by_urllib)
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda each: each.__name__)


def raised(action: Action) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- whichever a library has
        action()
    print(type(caught.value), caught.value)
    return caught.value


@each_client
@pytest.mark.parametrize(
    ("status", "expected"),
    [*((status, "retry") for status in (429, 502, 503, 504)), (500, "default"), (404, "default")],
)
def test_a_busy_server_is_asked_again_whatever_the_client(
    client: Callable[[str], None], status: int, expected: str, source: Any
) -> None:
    source.answer = lambda _: (status, {})
    decision = POLICY.evaluate(raised(lambda: client(source.url)), try_number=1, max_tries=3)
    assert decision.action.value == expected


@each_client
def test_what_the_server_asks_for_is_waited_for(
    client: Callable[[str], None], source: Any, tried: Callable[[Action], Any]
) -> None:
    source.answer = lambda _: (429, {"Retry-After": "400"})
    result = tried(lambda: client(source.url))
    assert result.state == "up_for_retry"
    assert 400 <= result.retry_delay <= 400 + FIRST


@each_client
def test_no_connection_no_answer_and_a_broken_one_pass_by_themselves(
    client: Callable[[str], None], source: Any
) -> None:
    release = threading.Event()

    def silent(_: int) -> None:
        release.wait(5)

    errors = [raised(lambda: client("http://127.0.0.1:1/"))]
    source.answer = lambda _: None
    errors.append(raised(lambda: client(source.url)))
    source.answer = silent
    errors.append(raised(lambda: client(source.url)))
    release.set()
    errors.append(raised(lambda: client("http://nowhere.invalid/")))
    assert [classify.is_transient(error) for error in errors] == [True] * 4


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    """The address of a TLS server whose certificate nobody has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1"
    )
    command = ["openssl", *make.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    context.wrap_socket(connection, server_side=True)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)


@each_client
def test_a_certificate_that_nobody_trusts_does_not_pass(
    client: Callable[[str], None], untrusted: str
) -> None:
    error = raised(lambda: client(untrusted))
    assert not classify.is_transient(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TypeError("x"), "fail"),
        (KeyError("x"), "fail"),
        (IndexError("x"), "fail"),
        (ImportError("x"), "fail"),
        (AssertionError("x"), "fail"),
        (ConfigurationError("x"), "fail"),
        (PoisonRecordError("x"), "fail"),
        (AirflowNotFoundException("x"), "fail"),
        (TransientError("x"), "retry"),
        (SourceUnavailableError("x"), "retry"),
        (ConnectionResetError("x"), "retry"),
        (TimeoutError("x"), "retry"),
        (ValueError("x"), "default"),
        (OSError(28, "no space left"), "default"),
        (AirflowTaskTimeout("x"), "default"),
        (SystemExit(1), "default"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_an_error_is_told_by_its_type(error: BaseException, expected: str) -> None:
    decision = POLICY.evaluate(error, try_number=1, max_tries=3)
    strict = RetryTransient(default=RetryAction.FAIL).evaluate(error, try_number=1, max_tries=3)
    print(decision, strict)
    assert decision.action.value == expected
    assert strict.action.value == {"default": "fail"}.get(expected, expected)


def test_a_known_error_hides_what_it_was_raised_from() -> None:
    def over(error: Exception, cause: Exception, *, hidden: bool = False) -> Exception:
        try:
            raise error from (None if hidden else cause)  # noqa: TRY301
        except Exception as made:
            return made

    lost = ConnectionResetError()
    assert classify.is_transient(over(ValueError(), lost))
    assert not classify.is_transient(over(ValueError(), lost, hidden=True))
    assert not classify.is_transient(over(KeyError(), lost))
    assert not classify.is_permanent(over(ValueError(), KeyError()))
    deep: Exception = lost
    for _ in range(30):
        deep = over(ValueError(), deep)
    assert not classify.is_transient(deep)


def test_a_busy_sqlite_file_is_tried_again_and_its_other_errors_are_not(tmp_path: Path) -> None:
    first = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    second = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
    first.execute("CREATE TABLE t (n int)")
    first.execute("BEGIN EXCLUSIVE")
    busy = raised(lambda: second.execute("INSERT INTO t VALUES (1)"))
    first.execute("ROLLBACK")
    missing = raised(lambda: second.execute("SELECT * FROM nowhere"))
    assert [classify.is_transient(each) for each in (busy, missing)] == [True, False]


@pytest.mark.parametrize(("number", "expected"), [(2013, True), (1213, True), (1146, False)])
def test_mysqls_numbers_decide(number: int, expected: bool) -> None:
    # No driver of it is installed: a class with such a name stands for one.
    error = type("OperationalError", (Exception,), {"__module__": "pymysql.err"})
    assert classify.is_transient(error(number, "something")) is expected


def test_waits_grow_up_to_the_cap_and_are_spread_over_all_of_it() -> None:
    policy = RetryTransient(first_delay=timedelta(seconds=10), longest_delay=timedelta(seconds=60))
    for number, cap in ((1, 10), (2, 20), (3, 40), (4, 60), (50, 60), (5000, 60)):
        waits = []
        for _ in range(300):
            delay = policy.evaluate(TimeoutError(), number, 9).retry_delay
            assert delay is not None
            waits.append(delay.total_seconds())
        print(f"try {number}: {min(waits):.1f} to {max(waits):.1f} s, {sum(waits) / 300:.1f} mean")
        assert 0 <= min(waits) < cap / 10
        assert cap * 0.9 < max(waits) <= cap
        assert cap * 0.4 < sum(waits) / 300 < cap * 0.6


def test_a_source_can_not_park_a_task_for_days() -> None:
    class Asks(Exception):  # noqa: N818 -- a stand-in for any library's
        headers = {"Retry-After": "864000"}  # noqa: RUF012

    assert asked_wait(Asks()) == 3600
    Asks.headers = {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}
    assert asked_wait(Asks()) is None
    own = SourceUnavailableError("closed", retry_after=timedelta(hours=5))
    assert asked_wait(own) == 5 * 3600


@pytest.mark.parametrize(
    ("first", "longest"), [(0, 60), (-1, 60), (61, 60)], ids=["none", "negative", "too long"]
)
def test_delays_that_do_not_fit_are_refused_when_the_dag_is_parsed(
    first: int, longest: int
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryTransient(
            first_delay=timedelta(seconds=first), longest_delay=timedelta(seconds=longest)
        )
    print(caught.value)


def test_mapped_tasks_in_a_stored_dag_retry_as_often_as_they_may(
    run_dag: Callable[..., Any], tmp_path: Path
) -> None:
    with DAG("shop", schedule=None) as dag:

        @task(retries=2, retry_policy=POLICY)
        def fetch(page: int) -> int:
            file = tmp_path / str(page)
            file.write_text(file.read_text() + "x" if file.exists() else "x")
            tries = len(file.read_text())
            if page == 0 and tries < 3:
                raise TransientError("down for a moment")
            if page == 1:
                raise TransientError("down for ever")
            if page == 2:
                raise KeyError("price")
            return tries

        fetch.expand(page=[0, 1, 2, 3])
    run = run_dag(dag)
    states = [run.states["fetch", page] for page in range(4)]
    tries = [run.tries["fetch", page] for page in range(4)]
    print(states, tries)
    assert states == ["success", "failed", "failed", "success"]
    assert tries == [3, 3, 1, 1]


def test_a_dag_with_the_policy_imports_no_library_that_its_errors_come_from() -> None:
    code = """
import sys
from datetime import timedelta
from airflow.sdk import DAG, BaseOperator
before = set(sys.modules)
from updraft.retries import RetryTransient
from updraft.poison import Tolerance
from updraft.deadletter import DeadLetterTable
from updraft.circuit import CircuitBreaker
from updraft.notify import FailureNotifier
from updraft.deadlines import deadline
with DAG("shop", deadline=deadline(timedelta(hours=1)), on_failure_callback=FailureNotifier()):
    BaseOperator(task_id="load", retry_policy=RetryTransient())
CircuitBreaker("shop")
Tolerance(dead_letter=DeadLetterTable("warehouse"))
added = {name for name in set(sys.modules) - before}
print(sorted(name for name in added if not name.startswith(("updraft", "airflow"))))
print(sorted(name for name in added if name.startswith("airflow")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    print(done.stdout)
    foreign = {name.split(".")[0] for name in eval(done.stdout.splitlines()[0])}  # noqa: S307
    heavy = {"psycopg", "psycopg2", "requests", "aiohttp", "sqlalchemy", "kubernetes", "pandas"}
    assert not foreign & heavy
