"""Tells errors that pass by themselves from those that another try can't mend, by code and type.

A library's types are known by name, so nothing is imported that the task has not loaded itself.
An HTTP status or a database's own code decides before the type does, and where an error says
nothing, what it was raised from does: a hook's AirflowException over a lost connection passes.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from updraft.errors import ConfigurationError, DataError, TransientError

_TRANSIENT = (TransientError, ConnectionError, TimeoutError, socket.gaierror)
# A mistake in the code or the configuration, or data that a person has to look at.
_PERMANENT = (
    ConfigurationError, DataError, AirflowFailException, AirflowNotFoundException,
    TypeError, LookupError, AttributeError, NameError, ImportError, SyntaxError,
    NotImplementedError, AssertionError, ZeroDivisionError,
)  # fmt: skip


def _names(modules: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{key}.{name}" for key, names in modules.items() for name in names.split())


_TRANSIENT_NAMES = _names(
    {
        "urllib.error": "URLError",
        "http.client": "RemoteDisconnected IncompleteRead",
        "urllib3.exceptions": "TimeoutError ProtocolError NewConnectionError NameResolutionError",
        "requests.exceptions": "ConnectionError Timeout ChunkedEncodingError",
        "httpx": "TimeoutException NetworkError RemoteProtocolError ProxyError",
        "aiohttp.client_exceptions": "ClientConnectionError ClientPayloadError",
    }
)
_PERMANENT_NAMES = _names(
    {
        "jinja2.exceptions": "TemplateError",
        "psycopg": "ProgrammingError NotSupportedError DataError",
        "psycopg2": "ProgrammingError NotSupportedError DataError",
        "sqlite3": "ProgrammingError",
        "pymysql.err": "ProgrammingError DataError",
        "MySQLdb": "ProgrammingError DataError",
        "sqlalchemy.exc": "ProgrammingError DataError ArgumentError NoSuchTableError",
    }
)
# Too many requests, and a gateway whose server does not answer.
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
# Connection, rollback, resources, lock, cancelling and shutdown (57P04: database dropped), system.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_SQLSTATE = re.compile(r"(08|40|53|58)...|55P03|57014|57P0[1235]")
# Data, syntax and names and rights, a login, a database that is not there, an absent feature.
_PERMANENT_SQLSTATE = re.compile(r"(22|42|28|3D|0A)...")
# Too many connections, shutdown, lock wait, deadlock, and a connection lost in several ways.
_TRANSIENT_MYSQL = frozenset({1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013, 2055})
_MYSQL = ("pymysql.", "MySQLdb.", "mysql.connector.")
# SQLite calls almost everything an OperationalError; its own codes tell them apart.
_TRANSIENT_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_INTERRUPT")
_LIBPQ = ("psycopg.OperationalError", "psycopg2.OperationalError")
# libpq gives no code where the server refuses a login; these are the server's words.
_REFUSED_LOGIN = re.compile(
    r"authentication failed|no pg_hba\.conf entry|no password supplied"
    r"|(database|role|user) .* does not exist|permission denied",
    re.IGNORECASE,
)
_DEEPEST = 10


def is_transient(error: BaseException) -> bool:
    """Whether an error passes by itself: connection, deadlock, time-out, or a busy server.

    Args:
        error: What was raised; where it says nothing, what it was raised from decides.
    """
    # Every library calls it a connection that failed, and httpx hides it, but it stays wrong.
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in chain(error, hidden=True)):
        return False
    verdicts = (_verdict(each) for each in chain(error))
    return next((each for each in verdicts if each is not None), False)


def is_permanent(error: BaseException) -> bool:
    """Whether another try must end the same way: a mistake in code, configuration or SQL.

    Args:
        error: What was raised. What it was raised from does not count here: a KeyError may well
            lie below an error that passes.
    """
    return _verdict(error) is False


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status that an error of requests, httpx, aiohttp or urllib carries."""
    found = (
        getattr(getattr(error, "response", None), "status_code", None)
        or getattr(error, "status", None)
        or getattr(error, "code", None)
    )
    return found if isinstance(found, int) and 100 <= found <= 599 else None  # noqa: PLR2004


def sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of a database's error, five characters, or None."""
    found = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return found if isinstance(found, str) else None


def is_refused(error: BaseException) -> bool:
    """Whether a database's error says, in words, that it refuses the login or its rights."""
    return _REFUSED_LOGIN.search(str(error)) is not None


def chain(error: BaseException, *, hidden: bool = False) -> Iterator[BaseException]:
    """Yield an error and those below it, as a traceback shows them.

    Args:
        error: The topmost.
        hidden: Whether to go on below a `raise … from None`.
    """
    at: BaseException | None = error
    for _ in range(_DEEPEST):
        if at is None:
            return
        yield at
        shown = hidden or not at.__suppress_context__
        at = at.__cause__ or (at.__context__ if shown else None)


def _verdict(error: BaseException) -> bool | None:
    """True for transient, False for permanent, None where the error alone does not say."""
    status = http_status(error)
    if status is not None:
        return True if status in _TRANSIENT_STATUSES else None
    names = {f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__}
    by_code = _by_code(error, names)
    if by_code is not None:
        return by_code
    if isinstance(error, _PERMANENT) or names & _PERMANENT_NAMES:
        return False
    return True if isinstance(error, _TRANSIENT) or names & _TRANSIENT_NAMES else None


def _by_code(error: BaseException, names: set[str]) -> bool | None:
    state = sqlstate(error)
    if state is not None:
        if _TRANSIENT_SQLSTATE.fullmatch(state):
            return True
        return False if _PERMANENT_SQLSTATE.fullmatch(state) else None
    if not names.isdisjoint(_LIBPQ):
        return not is_refused(error)
    if any(name.startswith(_MYSQL) for name in names):
        number = getattr(error, "errno", None) or next(iter(error.args), None)
        return True if number in _TRANSIENT_MYSQL else None
    name = getattr(error, "sqlite_errorname", "")
    return True if name.startswith(_TRANSIENT_SQLITE) else None
