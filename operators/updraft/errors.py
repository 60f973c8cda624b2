"""The errors that Updraft raises: what was wrong, where, what to do; sorted by who can mend it."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk.exceptions import AirflowException


class UpdraftError(AirflowException):
    """The base of all: an error that names the mistake, the place and the way out.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: Where it was found, such as a connection's id or a table's name.
        fix: What whoever reads it can do.

    Example:
        >>> print(UpdraftError("the table is missing", where="shop.orders", fix="create it"))
        the table is missing
          where: shop.orders
          fix:   create it
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        lines = [what]
        lines += [f"  where: {where}"] if where else []
        lines += [f"  fix:   {fix}"] if fix else []
        super().__init__("\n".join(lines))


class TransientError(UpdraftError):
    """Something that passes by itself, such as a lost connection: worth another try.

    Example:
        >>> raise TransientError("the server closed the connection", where="warehouse")
        Traceback (most recent call last):
        updraft.errors.TransientError: the server closed the connection
          where: warehouse
    """


class SourceUnavailableError(TransientError):
    """A source that does not answer, or that a circuit breaker keeps from being asked.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: Which source.
        fix: What whoever reads it can do.
        retry_after: How long it is pointless to ask again, where that is known; the retry policy
            `updraft.retries.RetryTransient` waits for as long.

    Example:
        >>> SourceUnavailableError("it is down", retry_after=timedelta(hours=1)).retry_after
        datetime.timedelta(seconds=3600)
    """

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", retry_after: timedelta | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(what, where=where, fix=fix)


class ConfigurationError(UpdraftError):
    """A mistake in a DAG, a connection or a setting: another try would end the same way.

    Example:
        >>> ConfigurationError("there is no connection", where="shop").where
        'shop'
    """


class SchemaMismatchError(ConfigurationError):
    """Columns or types of two tables that do not fit each other.

    Example:
        >>> issubclass(SchemaMismatchError, ConfigurationError)
        True
    """


class SizeRefusedError(ConfigurationError):
    """A task that asks for more than the quota of the tasks' namespace can ever give.

    Example:
        >>> issubclass(SizeRefusedError, ConfigurationError)
        True
    """


class DataError(UpdraftError):
    """Data that is not what it was promised to be: a person has to look.

    Example:
        >>> issubclass(DataError, TransientError)
        False
    """


class QualityError(DataError):
    """A data quality check of severity "fail" did not hold.

    Example:
        >>> issubclass(QualityError, DataError)
        True
    """


class PoisonRecordError(DataError):
    """More records than are tolerated could not be processed.

    Example:
        >>> issubclass(PoisonRecordError, DataError)
        True
    """
