"""A retry policy: what passes by itself is tried again after a random wait, a mistake never.

Airflow asks it in the task's own process, with the error at hand; of the policy the serialized DAG
holds only that there is one. How often is the task's own `retries`; for errors that the policy
knows nothing of, the task's `retry_delay` and its relatives hold as ever.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision, RetryPolicy

from updraft.classify import chain, is_permanent, is_transient
from updraft.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

# 2 ** 30 waits of a second are longer than any task lives.
_MOST_DOUBLINGS = 30
# A source that asks for more seconds is not to park a task for days.
_LONGEST_ASKED = 3600.0
# Airflow stores at most 500 characters of a reason.
_LONGEST_REASON = 300


class RetryTransient(RetryPolicy):
    """Tries transient errors again, with exponential back-off and full jitter; fails mistakes.

    The wait before try n + 1 is a random part of `first_delay` times 2 ** (n - 1), at most
    `longest_delay`, so that a hundred mapped tasks that lost the same database do not come back
    together. A wait that the source itself asks for (an HTTP Retry-After, an open circuit
    breaker; an hour at most) is kept, and the random part comes on top, up to `first_delay`.

    Args:
        first_delay: The longest wait after the first failure.
        longest_delay: The longest wait after any.
        default: What to do with errors that are neither transient nor mistakes: by default the
            task's own `retries` and `retry_delay`; RetryAction.FAIL fails them at once too.

    Raises:
        ConfigurationError: A delay is not positive, or the first is longer than the longest.

    Example:
        >>> policy = RetryTransient(first_delay=timedelta(seconds=10))
        >>> policy.evaluate(KeyError("price"), try_number=1, max_tries=3).action
        <RetryAction.FAIL: 'fail'>
        >>> decision = policy.evaluate(ConnectionResetError(), try_number=2, max_tries=3)
        >>> decision.action, timedelta(0) <= decision.retry_delay <= timedelta(seconds=20)
        (<RetryAction.RETRY: 'retry'>, True)
        >>> policy.evaluate(ValueError(), try_number=1, max_tries=3).action
        <RetryAction.DEFAULT: 'default'>
    """

    def __init__(
        self,
        *,
        first_delay: timedelta = timedelta(seconds=30),
        longest_delay: timedelta = timedelta(minutes=10),
        default: RetryAction = RetryAction.DEFAULT,
    ) -> None:
        if not timedelta(0) < first_delay <= longest_delay:
            raise ConfigurationError(
                f"the delays of a retry policy do not fit: {first_delay} and {longest_delay}",
                where="RetryTransient(first_delay, longest_delay)",
                fix="give positive delays, the first at most as long as the longest",
            )
        self.first_delay, self.longest_delay, self.default = first_delay, longest_delay, default

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,  # noqa: ARG002 -- Airflow itself stops at the task's retries
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Return what to do after a failure; Airflow calls this.

        Args:
            exception: What the task raised.
            try_number: Which try failed, from 1.
            max_tries: How many there can be.
            context: The task's context.
        """
        what = f"{type(exception).__name__}: {exception}"[:_LONGEST_REASON]
        if is_transient(exception):
            wait = self._wait(exception, try_number)
            return RetryDecision.retry(
                wait, f"it passes by itself, next try in {wait.total_seconds():.0f} s: {what}"
            )
        if is_permanent(exception):
            return RetryDecision.fail(f"another try would end the same way: {what}")
        return RetryDecision(self.default)

    def _wait(self, error: BaseException, try_number: int) -> timedelta:
        doublings = min(max(try_number - 1, 0), _MOST_DOUBLINGS)
        seconds, longest = self.first_delay.total_seconds(), self.longest_delay.total_seconds()
        asked = asked_wait(error)
        if asked is None:
            return timedelta(seconds=random.uniform(0, min(seconds * 2**doublings, longest)))  # noqa: S311
        return timedelta(seconds=asked + random.uniform(0, seconds))  # noqa: S311


def asked_wait(error: BaseException) -> float | None:
    """Return the seconds that a source asked to wait for, None where it did not.

    Args:
        error: One with a `retry_after` of its own, or with an HTTP response that has the header
            (in seconds; a date is not looked at), of which an hour counts at most.
    """
    for each in chain(error):
        own = getattr(each, "retry_after", None)
        if isinstance(own, timedelta):
            return own.total_seconds()
        response = getattr(each, "response", None)  # a response of requests is false if it failed
        headers = getattr(each if response is None else response, "headers", None)
        asked = str(getattr(headers, "get", dict[str, str]().get)("Retry-After") or "")
        if asked.isdecimal():
            return min(float(asked), _LONGEST_ASKED)
    return None
