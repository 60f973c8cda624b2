"""Records that can't be processed are put aside and the rest goes on, up to a limit.

What counts is whose fault it is. An error that passes by itself (a lost connection, a deadlock)
says nothing about a record: it is raised, and the task's retry begins anew. So is a mistake in the
code, the configuration or the SQL, which every record would meet. Any other error is the record's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from updraft import metrics
from updraft.classify import chain, is_transient, sqlstate
from updraft.errors import ConfigurationError, PoisonRecordError

log = logging.getLogger(__name__)

Record = TypeVar("Record")
Value = TypeVar("Value")

# Characters of a record and of an error in a line of the log.
_SHOWN = 200
# Examples in the error's text; the log names every one.
_EXAMPLES = 3
# An author's own decision about the task, or a mistake that every record would meet.
_NOT_THE_RECORDS = (
    ConfigurationError, AirflowFailException, AirflowSkipException,
    NameError, ImportError, SyntaxError, NotImplementedError, MemoryError,
)  # fmt: skip
# Classes of SQLSTATE: a value that does not fit, a constraint, what a trigger raises.
_RECORDS_SQLSTATES = ("22", "23", "P0")


@dataclass(frozen=True, slots=True)
class PoisonRecord:
    """A record that was put aside.

    Args:
        position: Which of the records it was, from 0.
        record: The record itself.
        error: What its processing raised.

    Example:
        >>> print(PoisonRecord(7, {"price": "n/a"}, ValueError("not a number")))
        record 7 {'price': 'n/a'}: ValueError: not a number
    """

    position: int
    record: Any
    error: Exception

    def __str__(self) -> str:
        error = f"{type(self.error).__name__}: {self.error}"
        return f"record {self.position} {_short(repr(self.record))}: {_short(error)}"


@dataclass(frozen=True)
class Processed(Generic[Value]):
    """What came of the records.

    Args:
        count: How many were processed.
        values: What the function returned each time, in order.
        poison: The records put aside.

    Example:
        >>> Processed(count=2, values=["a", "b"], poison=[]).count
        2
    """

    count: int
    values: list[Value]
    poison: list[PoisonRecord]


class DeadLetter(Protocol):
    """Where poison records are kept, such as a `updraft.deadletter.DeadLetterTable`."""

    def keep(self, poison: Sequence[PoisonRecord]) -> None:
        """Keep the records of this task, instead of those that an earlier try of it kept."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many records may be put aside, and where they are kept.

    Args:
        max_records: At most so many; 0 for none. One more ends the task at once.
        max_ratio: At most this part of the records, from 0 to 1; looked at in the end.
        dead_letter: Where they are kept, too many or not; it is tried before the first record, so
            that a wrong connection is told early. None where the caller looks at `poison`.

    Raises:
        ConfigurationError: A limit is negative, or the ratio above 1.

    Example:
        >>> Tolerance(max_records=-1)
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: limits that no run can keep: -1 records, ratio 1.0
          where: Tolerance(max_records, max_ratio)
          fix:   give 0 or more records, and a ratio from 0 to 1
    """

    max_records: int = 100
    max_ratio: float = 1.0
    dead_letter: DeadLetter | None = None

    def __post_init__(self) -> None:
        if self.max_records < 0 or not 0 <= self.max_ratio <= 1:
            raise ConfigurationError(
                f"limits that no run can keep: {self.max_records} records, ratio {self.max_ratio}",
                where="Tolerance(max_records, max_ratio)",
                fix="give 0 or more records, and a ratio from 0 to 1",
            )


_DEFAULT = Tolerance()


def process_each(
    records: Iterable[Record],
    function: Callable[[Record], Value],
    tolerance: Tolerance = _DEFAULT,
) -> Processed[Value]:
    """Call a function for each record, and put aside those that it can't process.

    Args:
        records: The records; any iterable, read once.
        function: Processes one, wholly or not at all (a statement that fails must not leave its
            transaction aborted: commit each, or set a savepoint).
        tolerance: How many may be put aside, and where they are kept.

    Raises:
        PoisonRecordError: More were put aside than that. It fails the task without another try,
            where `updraft.retries.RetryTransient` is its policy: that would find the same records.

    Example:
        >>> done = process_each(["1", "two", "3"], int, Tolerance(max_records=1))
        >>> done.values, [str(each) for each in done.poison]
        ([1, 3], ["record 1 'two': ValueError: invalid literal for int() with base 10: 'two'"])
    """
    return process_batches(records, lambda batch: function(batch[0]), tolerance, batch_size=1)


def process_batches(
    records: Iterable[Record],
    function: Callable[[list[Record]], Value],
    tolerance: Tolerance = _DEFAULT,
    *,
    batch_size: int = 1000,
) -> Processed[Value]:
    """Call a function for batches of records; where a batch fails, halve it down to the culprits.

    One poison record in a batch of n costs about 2 * log2(n) further calls, not n.

    Args:
        records: The records; any iterable, read once, a batch at a time.
        function: Processes a list of records, all of them or none, such as in one transaction.
        tolerance: How many may be put aside, and where they are kept.
        batch_size: Records in a batch.

    Raises:
        PoisonRecordError: More were put aside than is tolerated.
        ConfigurationError: The batch is empty.

    Example:
        >>> done = process_batches([1, 2, 0, 4], lambda some: 8 / min(some), batch_size=2)
        >>> done.count, done.values, [each.record for each in done.poison]
        (3, [8.0, 2.0], [0])
    """
    if batch_size < 1:
        raise ConfigurationError(
            f"a batch of {batch_size} records", where="batch_size", fix="give 1 or more"
        )
    run = _Run(function, tolerance)
    iterator = iter(records)
    while batch := list(islice(iterator, batch_size)):
        run.process(batch)
    return run.end()


class _Run(Generic[Record, Value]):
    """One pass over the records."""

    def __init__(self, function: Callable[[list[Record]], Value], tolerance: Tolerance) -> None:
        self._function, self._tolerance = function, tolerance
        self._count, self._values = 0, list[Value]()
        self._poison: list[PoisonRecord] = []
        if tolerance.dead_letter:
            tolerance.dead_letter.keep([])

    def process(self, batch: list[Record]) -> None:
        try:
            value = self._function(batch)
        except Exception as error:
            if not _is_the_records(error):
                raise
            if len(batch) == 1:
                self._put_aside(batch[0], error)
                return
        else:
            self._values.append(value)
            self._count += len(batch)
            return
        half = len(batch) // 2
        self.process(batch[:half])
        self.process(batch[half:])

    def end(self) -> Processed[Value]:
        self._keep()
        poison, ratio = len(self._poison), self._tolerance.max_ratio
        seen = self._count + poison
        if poison > ratio * seen:
            raise self._error(f"{poison} of {seen} records, more than {ratio:.1%},")
        return Processed(self._count, self._values, self._poison)

    def _put_aside(self, record: Record, error: Exception) -> None:
        poison = PoisonRecord(self._count + len(self._poison), record, error)
        log.warning("Put aside %s", poison)
        self._poison.append(poison)
        if len(self._poison) > self._tolerance.max_records:
            self._keep()
            raise self._error(f"more than {self._tolerance.max_records} records") from error

    def _error(self, what: str) -> PoisonRecordError:
        examples = [str(each) for each in self._poison[:_EXAMPLES]]
        return PoisonRecordError(
            "\n    ".join([f"{what} could not be processed, such as", *examples]),
            where=str(self._tolerance.dead_letter or "the task's log names them all"),
            fix="mend the records or the function, or tolerate more",
        )

    def _keep(self) -> None:
        if not self._poison:
            return
        if self._tolerance.dead_letter:
            self._tolerance.dead_letter.keep(self._poison)
        metrics.count(metrics.Metric.POISON_RECORDS, len(self._poison), **_tags())


def _tags() -> dict[str, str]:
    try:
        task = get_current_context()["ti"]
    except RuntimeError:  # outside of a task, such as in an author's own test
        return {}
    return {"dag_id": task.dag_id, "task_id": task.task_id}


def _is_the_records(error: Exception) -> bool:
    if is_transient(error) or isinstance(error, _NOT_THE_RECORDS):
        return False
    states = [state for state in map(sqlstate, chain(error)) if state]
    return not states or states[0].startswith(_RECORDS_SQLSTATES)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
