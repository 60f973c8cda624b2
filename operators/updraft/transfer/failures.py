"""What a database driver raises, told as what was wrong, where, and whether another try helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from updraft.classify import is_refused, is_transient, sqlstate
from updraft.errors import ConfigurationError, DataError, TransientError, UpdraftError

_DATA_STATES = ("22", "23")

_ADVICE: dict[type[UpdraftError], str] = {
    TransientError: "it may pass by itself: let the task retry",
    DataError: "mend the rows, or change the target's column or constraint",
    ConfigurationError: "correct the query, the table or the rights of the connection's user",
}


@contextmanager
def told(where: str, *, transient: type[TransientError] = TransientError) -> Iterator[None]:
    """Raise a driver's errors as Updraft's; whatever is not a driver's passes as it is.

    Args:
        where: The place to name, such as the connection.
        transient: What to raise for an error that passes by itself.

    Raises:
        TransientError: A lost connection, a deadlock, a cancelled statement and the like.
        DataError: A value that the database does not take.
        ConfigurationError: Any other refusal, such as a missing table or a forbidden one.
    """
    try:
        yield
    except UpdraftError:
        raise
    except Exception as error:
        kind = kind_of(error)
        if kind is None:
            raise
        what = " ".join(str(getattr(error, "orig", None) or error).split())
        raised = transient if kind is TransientError else kind
        raise raised(what, where=where, fix=_ADVICE[kind]) from error


def kind_of(error: Exception) -> type[UpdraftError] | None:
    """Return which of Updraft's errors a driver's error is; None for what no driver raised."""
    original = getattr(error, "orig", None) or error  # as SQLAlchemy wraps it
    names = {each.__name__ for each in type(original).__mro__}
    if not names & {"DatabaseError", "InterfaceError"}:  # PEP 249: every driver has these
        return None
    state = sqlstate(original)
    if state.startswith(_DATA_STATES) if state else names & {"DataError", "IntegrityError"}:
        return DataError
    if is_transient(original):
        return TransientError
    if state or hasattr(original, "sqlite_errorname"):
        return ConfigurationError
    lost = names & {"OperationalError", "InterfaceError"} and not is_refused(original)
    return TransientError if lost else ConfigurationError
