"""A circuit breaker that task pods share: a source that is down is asked by one of them at a time.

Its state is a journal of empty Airflow Variables, whose names say it all: every task pod can write
those through the execution API, without a database or a service of its own, they outlive the pod,
and the UI shows an open circuit (Admin, Variables), where deleting its variables closes it. A
variable has no compare-and-set, so none is ever changed: each failure, opening and probe adds a
name of its own, and the state follows from the names that are there, whoever wrote them when.
A table would need a connection that every source's tasks may write to, and may be what is down.
"""

from __future__ import annotations

import inspect
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from airflow.sdk import Variable
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowTaskTimeout

from updraft import metrics
from updraft.classify import chain, http_status, is_transient, sqlstate
from updraft.errors import ConfigurationError, SourceUnavailableError

log = logging.getLogger(__name__)
# The probe that a thread of this process is, by thread and source.
_probes: dict[tuple[int, str], _Entry] = {}

Function = TypeVar("Function", bound=Callable[..., Any])

_PREFIX = "updraft_circuit"
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FAILURE, _OPENED, _PROBE = "failure", "opened", "probe"
_ENTRY = re.compile(r"(failure|opened|probe)\.(\d+\.\d+)\.[0-9a-f]+")
# Two claims to the probe at once: looks at whether the other has withdrawn, and seconds between;
# on a busy machine that takes the other a second.
_LOOKS, _PAUSE = 20, 0.1
# Seconds in which the other tasks that saw the same failures open the circuit as well.
_SETTLE = 0.5


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """A line of the journal: when, what, and by whom."""

    at: float
    kind: str
    name: str

    @classmethod
    def new(cls, source: str, kind: str) -> Self:
        at = f"{time.time():.3f}"
        return cls(float(at), kind, f"{_PREFIX}.{source}:{kind}.{at}.{uuid.uuid4().hex[:12]}")

    @classmethod
    def journal(cls, names: Iterable[str]) -> list[Self]:
        """Return the entries among the names; a variable that a person made is none."""
        found = ((_ENTRY.fullmatch(name.rpartition(":")[2]), name) for name in names)
        return [cls(float(match[2]), match[1], name) for match, name in found if match]


class CircuitBreaker(ContextDecorator):
    """Keeps a source that is down from being asked, around a `with` block or a function.

    Closed, it lets every call through and counts transient failures and the task's time-out (other
    errors say nothing about the source). After `failures` of them within `window`, from whichever
    tasks, it opens: for `cool_down` every call raises SourceUnavailableError at once, whose
    `retry_after` the retry policy `updraft.retries.RetryTransient` waits for. Then a single call
    goes through as a probe: it closes the circuit, or opens it for another cool-down. A call costs
    a request to the execution API, a failure some more; where that fails, calls go through.

    A refusal is a failed try: give such tasks some `retries`.

    Args:
        source: What is asked, such as "shop-api"; the same in every task that shares the circuit.
            Up to 100 letters, digits and _.-
        failures: How many open it.
        window: Within which time.
        cool_down: For how long; a probe that has not ended by then is taken for lost.

    Raises:
        ConfigurationError: A bad name, number or time.

    Example:
        >>> breaker = CircuitBreaker("shop-api", failures=3)
        >>> @breaker
        ... def fetch(page: int) -> bytes: ...
        >>> CircuitBreaker("shop api")
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: not the name of a source
          where: shop api
          fix:   give up to 100 letters, digits and _.- such as shop-api
    """

    def __init__(
        self,
        source: str,
        *,
        failures: int = 5,
        window: timedelta = timedelta(minutes=5),
        cool_down: timedelta = timedelta(minutes=2),
    ) -> None:
        if not _SOURCE.fullmatch(source):
            raise ConfigurationError(
                "not the name of a source",
                where=source,
                fix="give up to 100 letters, digits and _.- such as shop-api",
            )
        if failures < 1 or window <= timedelta(0) or cool_down <= timedelta(0):
            raise ConfigurationError(
                f"a circuit that can't be: failures {failures}, {window=!s}, {cool_down=!s}",
                where=f"CircuitBreaker({source!r})",
                fix="give 1 or more failures, and positive times",
            )
        self.source, self.failures = source, failures
        self.window, self.cool_down = window.total_seconds(), cool_down.total_seconds()

    def __call__(self, function: Function) -> Function:
        """Return the function guarded; usable as a decorator.

        Raises:
            ConfigurationError: It is asynchronous or a generator, so that calling it asks nothing.
        """
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise ConfigurationError(
                "a circuit breaker can't guard a coroutine or a generator as a decorator",
                where=function.__qualname__,
                fix=f'write "with CircuitBreaker({self.source!r}):" around the call inside of it',
            )
        return super().__call__(function)

    def __enter__(self) -> Self:
        """Let the call through, or refuse it.

        Raises:
            SourceUnavailableError: The circuit is open.
        """
        try:
            self._pass()
        except AirflowRuntimeError as error:
            log.warning("The circuit of %s can't be seen, so it is passed: %s", self.source, error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Note how the call ended; its error goes on."""
        probe = _probes.pop(self._me(), None)
        try:
            if error is not None and _is_down(error):
                self._failed(probe)
            elif probe and (error is None or _is_answer(error)):
                self._answered()
            elif probe:
                _remove([probe])
        except AirflowRuntimeError as failure:
            log.warning("The circuit of %s can't be told: %s", self.source, failure)

    def _pass(self) -> None:
        if self._me() in _probes:  # a guarded call inside of the probe
            return
        journal = self._journal()
        opened = _latest(journal, _OPENED)
        if opened is None:
            return
        left = opened.at + self.cool_down - time.time()
        if left > 0 or not self._claim(journal):
            raise SourceUnavailableError(
                f"{self.source} failed too often lately, so its circuit breaker is open",
                where=self.source,
                fix="see why it is down; this task's retries ask again. To close it now, "
                f"delete the variables {_PREFIX}.{self.source}:* (Admin, Variables)",
                retry_after=timedelta(seconds=max(left, min(self.cool_down, 1.0))),
            )

    def _claim(self, journal: list[_Entry]) -> bool:
        """Whether this call is the probe: the only one that finds its claim alone.

        Each claims before it looks, so two can't both be alone. Where several look at once, all
        withdraw but the first, which looks again.
        """
        if self._rivals(journal):
            return False
        mine = self._note(_PROBE)
        for _ in range(_LOOKS):
            rivals = self._rivals(self._journal()) - {mine}
            if not rivals:
                _probes[self._me()] = mine
                log.info("Ask %s whether it is up again", self.source)
                return True
            if min(rivals) < mine:
                break
            time.sleep(_PAUSE)
        _remove([mine])
        return False

    def _me(self) -> tuple[int, str]:
        return threading.get_ident(), self.source

    def _rivals(self, journal: list[_Entry]) -> set[_Entry]:
        oldest = time.time() - self.cool_down
        return {entry for entry in journal if entry.kind == _PROBE and entry.at > oldest}

    def _failed(self, probe: _Entry | None) -> None:
        journal = self._journal()
        if _latest(journal, _OPENED):
            if probe:
                self._open(journal)
            return
        self._note(_FAILURE)
        journal, oldest = self._journal(), time.time() - self.window
        recent = [entry for entry in journal if entry.kind == _FAILURE and entry.at > oldest]
        if len(recent) < self.failures:
            _remove([entry for entry in journal if entry.at <= oldest])
        elif not _latest(journal, _OPENED):
            self._open(journal)

    def _open(self, journal: list[_Entry]) -> None:
        mine = self._note(_OPENED)
        _remove(journal)
        time.sleep(_SETTLE)
        if mine != min(entry for entry in [mine, *self._journal()] if entry.kind == _OPENED):
            return  # another task tells
        log.error("%s is down: its circuit is open for %.0f s", self.source, self.cool_down)
        metrics.count(metrics.Metric.CIRCUIT_OPENED, source=self.source)

    def _answered(self) -> None:
        _remove(self._journal())
        log.info("%s answers again: its circuit is closed", self.source)

    def _journal(self) -> list[_Entry]:
        return _Entry.journal(Variable.keys(prefix=f"{_PREFIX}.{self.source}:"))

    def _note(self, kind: str) -> _Entry:
        entry = _Entry.new(self.source, kind)
        text = f"Circuit breaker of {self.source}; see updraft.circuit. Deleting it is safe."
        Variable.set(entry.name, kind, description=text)
        return entry


def _is_down(error: BaseException) -> bool:
    # A task's time-out is what a source that hangs looks like.
    return isinstance(error, AirflowTaskTimeout) or is_transient(error)


def _is_answer(error: BaseException) -> bool:
    """Whether it is the source that says so, such as 404; a KeyError in the task says nothing."""
    return any(http_status(each) or sqlstate(each) for each in chain(error))


def _latest(journal: list[_Entry], kind: str) -> _Entry | None:
    return max((entry for entry in journal if entry.kind == kind), default=None)


def _remove(journal: list[_Entry]) -> None:
    for entry in journal:
        Variable.delete(entry.name)
