"""The circuit breaker: a source that is down is left alone, by all tasks together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email.message import Message
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from airflow.sdk import Variable
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowTaskTimeout

from tests.waiting import wait_for
from updraft.circuit import CircuitBreaker
from updraft.errors import ConfigurationError, SourceUnavailableError, TransientError
from updraft.retries import RetryTransient

TASKS, TRIES = 30, 4
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
POLICY = RetryTransient(first_delay=SECOND / 4, longest_delay=SECOND)

pytestmark = pytest.mark.usefixtures("api")


def breaker(**options: Any) -> CircuitBreaker:
    return CircuitBreaker("shop-api", **{"failures": 3, "cool_down": MINUTE, **options})


def entries() -> list[str]:
    return [key.split(":")[1].split(".")[0] for key in Variable.keys("updraft_circuit.shop-api:")]


def fail(guard: CircuitBreaker, error: BaseException | None = None) -> None:
    with pytest.raises(BaseException) as caught, guard:  # noqa: PT011 -- whichever is raised
        raise error or TransientError("down")
    print(type(caught.value).__name__)


def task(ask: Callable[[], object]) -> bool:
    """What Airflow does with a task that fails: ask the policy, wait, and try again."""
    for number in range(1, TRIES + 1):
        try:
            ask()
        except Exception as error:
            decision = POLICY.evaluate(error, number, TRIES)
            assert decision.action is RetryAction.RETRY
            assert decision.retry_delay is not None
            time.sleep(decision.retry_delay.total_seconds())  # the scheduler's wait
        else:
            return True
    return False


def test_a_source_that_is_down_is_asked_far_less_by_many_tasks_at_once(
    api: Any, source: Any, statsd: Any
) -> None:
    source.answer = lambda _: (503, {})

    def ask() -> None:
        urlopen(source.url, timeout=5).close()  # noqa: S310 -- loopback

    def guarded() -> None:
        with CircuitBreaker("shop-api", failures=5, cool_down=SECOND):
            ask()

    with ThreadPoolExecutor(TASKS) as pool:
        list(pool.map(lambda _: task(ask), range(TASKS)))
        without, began = source.requests, time.monotonic()
        list(pool.map(lambda _: task(guarded), range(TASKS)))
        seconds = time.monotonic() - began
    calls = source.requests - without
    opened = statsd.lines("updraft.circuit.opened")
    print(
        f"{TASKS} tasks, {TRIES} tries: {without} calls without, {calls} with, in {seconds:.1f} s"
    )
    print(f"{api.count} requests to the API; {opened}")
    assert without == TASKS * TRIES
    # Those of the first moment, before anybody knew, and a probe for each second.
    assert calls <= TASKS + seconds + 1
    assert opened
    assert all("source=shop-api" in line for line in opened)


def test_one_probe_goes_through_however_many_ask_and_its_success_lets_all_through(
    source: Any,
) -> None:
    half_open()
    release, refused = threading.Event(), list[BaseException]()

    def answer(_: int) -> tuple[int, dict[str, str]]:
        release.wait(60)
        return 200, {}

    source.answer = answer

    def ask(_: int) -> None:
        try:
            with breaker():
                urlopen(source.url, timeout=90).close()  # noqa: S310 -- loopback
        except SourceUnavailableError as error:
            refused.append(error)

    with ThreadPoolExecutor(TASKS) as pool:
        asked = [pool.submit(ask, number) for number in range(TASKS)]
        wait_for(lambda: len(refused) == TASKS - 1, 50, "all but one refused")
        release.set()
        for each in asked:
            each.result()
    print(f"{source.requests} calls, {source.most_at_once} at once, {len(refused)} refused")
    assert (source.requests, source.most_at_once) == (1, 1)
    assert entries() == []
    ask(0)
    assert source.requests == 2


def test_other_errors_say_nothing_about_the_source_but_a_time_out_does() -> None:
    for error in (KeyError("price"), ValueError(), KeyboardInterrupt(), ConfigurationError("x")):
        fail(breaker(failures=1), error)
    assert entries() == []
    fail(breaker(failures=1), AirflowTaskTimeout())
    print(entries())
    assert entries() == ["opened"]


def test_failures_count_within_the_window_only() -> None:
    short = breaker(failures=2, window=SECOND / 2)
    fail(short)
    first = Variable.keys("updraft_circuit.shop-api:failure")[0]
    moment = float(first.split("failure.")[1][:14])
    wait_for(lambda: time.time() > moment + 0.6, 5, "the window's end")
    fail(short)
    assert entries() == ["failure"], "the first one has gone, the second is alone"
    fail(short)
    assert entries() == ["opened"]


def test_an_open_circuit_says_when_to_come_back_and_the_retry_policy_waits_for_it() -> None:
    fail(breaker(failures=1, cool_down=100 * SECOND))
    calls = []
    with pytest.raises(SourceUnavailableError) as caught, breaker(cool_down=100 * SECOND):
        calls.append("through")
    print(caught.value)
    decision = POLICY.evaluate(caught.value, try_number=1, max_tries=3)
    print(decision)
    assert not calls
    assert "updraft_circuit.shop-api:*" in caught.value.fix
    assert timedelta(seconds=90) < (caught.value.retry_after or timedelta())
    assert decision.action is RetryAction.RETRY
    assert timedelta(seconds=90) < (decision.retry_delay or timedelta()) < timedelta(seconds=101)


@pytest.mark.parametrize(
    ("ending", "after"),
    [
        (TransientError("still down"), ["opened"]),
        (KeyError("a bug"), ["opened"]),  # and the next call may probe at once
        (AirflowTaskTimeout(), ["opened"]),
        (HTTPError("http://shop.invalid", 404, "not found", Message(), None), []),
        (None, []),
    ],
    ids=["fails", "says nothing", "hangs", "answers 404", "succeeds"],
)
def test_how_the_probe_ends_decides(ending: BaseException | None, after: list[str]) -> None:
    half_open()
    if ending:
        fail(breaker(), ending)
    else:
        with breaker():
            assert entries() == ["opened", "probe"]
            with breaker():  # a refusal would be of no use inside of the probe itself
                pass
    print(entries())
    assert entries() == after
    if isinstance(ending, KeyError):
        with breaker():
            pass
        assert entries() == []


def test_a_probe_that_never_ends_is_taken_for_lost() -> None:
    half_open()
    with ThreadPoolExecutor(1) as lost:
        lost.submit(breaker().__enter__).result()  # and its pod is killed
    with pytest.raises(SourceUnavailableError), breaker():
        pass
    Variable.delete(Variable.keys("updraft_circuit.shop-api:probe")[0])
    note("probe", hours_ago=1)
    with breaker():
        pass
    assert entries() == []


def test_where_the_api_refuses_the_call_goes_through(
    api: Any, execution_api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 -- heavy

    comms = type(api)(replace(execution_api, token="not-a-token"))  # noqa: S106
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
    with breaker():
        passed = True
    fail(breaker())
    print(caplog.messages)
    assert passed
    assert sum("can't be" in message for message in caplog.messages) == 3


def test_a_decorated_function_is_guarded() -> None:
    @breaker(failures=1)
    def fetch(page: int) -> int:
        """Fetch a page."""
        if page > 1:
            raise TransientError("down")
        return page

    assert fetch(1) == 1
    assert fetch.__doc__ == "Fetch a page."
    with pytest.raises(TransientError, match="down"):
        fetch(2)
    with pytest.raises(SourceUnavailableError):
        fetch(1)


def test_what_asks_nothing_when_it_is_called_can_not_be_decorated() -> None:
    async def coroutine() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    for function in (coroutine, generator):
        with pytest.raises(ConfigurationError, match="can't guard") as caught:
            breaker()(function)
        print(caught.value)
        assert "with CircuitBreaker('shop-api')" in caught.value.fix


def test_a_variable_that_a_person_made_is_no_entry() -> None:
    Variable.set("updraft_circuit.shop-api:opened", "by hand")
    with breaker():
        pass
    assert entries() == ["opened"]


@pytest.mark.parametrize(
    "options",
    [{"failures": 0}, {"window": timedelta(0)}, {"cool_down": -SECOND}, {"source": "a:b"}]
    + [{"source": name} for name in ("", "größe", "a b", "x" * 101)],
)
def test_a_circuit_that_can_not_be_is_refused_when_the_dag_is_parsed(options: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CircuitBreaker(**{"source": "shop-api", **options})
    print(caught.value)


def half_open() -> None:
    """Open the circuit as of an hour ago, so that its cool-down is over."""
    note("opened", hours_ago=1)


def note(kind: str, *, hours_ago: int) -> None:
    moment = time.time() - hours_ago * 3600
    Variable.set(f"updraft_circuit.shop-api:{kind}.{moment:.3f}.0123456789ab", kind)
