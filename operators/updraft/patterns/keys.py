"""Cuts a range of whole numbers, such as a table's keys, into ranges that touch."""

from __future__ import annotations

from itertools import pairwise
from typing import TypedDict

from updraft.errors import ConfigurationError
from updraft.patterns.limits import max_map_length, too_many


class KeyRange(TypedDict):
    """A range of keys: from `start` on, up to but without `end`.

    Example:
        >>> KeyRange(name="0 to 999", start=0, end=1000)["end"]
        1000
    """

    name: str
    start: int
    end: int


def partition_keys(
    low: int | None,
    high: int | None,
    *,
    parts: int | None = None,
    size: int | None = None,
    at_most: int | None = None,
) -> list[KeyRange]:
    """Return a range of keys in pieces to map over, in order.

    Numbers of rows serve as well as keys: a piece is then a slice of any list that can be made
    again in each pod, and XCom carries two numbers in place of the items.

    Args:
        low: The first key; None, as SQL's min() gives for an empty table, is a range of no keys.
        high: The first key after the last, SQL's `max(id) + 1`; None as above.
        parts: In how many pieces, as equal as can be; fewer where there are fewer keys.
        size: Or how many keys a piece has, but for the last.
        at_most: The most pieces allowed; what Airflow maps over at most if it is not set.

    Raises:
        ConfigurationError: A number is not a whole one, the range is the wrong way round, not
            exactly one of parts and size is given, or there would be too many pieces.

    Example:
        >>> partition_keys(0, 10, parts=2)
        [{'name': '0 to 4', 'start': 0, 'end': 5}, {'name': '5 to 9', 'start': 5, 'end': 10}]
        >>> [each["name"] for each in partition_keys(1, 2501, size=1000)]
        ['1 to 1000', '1001 to 2000', '2001 to 2500']
        >>> partition_keys(None, None, parts=3)
        []
    """
    amount = _amount(parts, size)
    if low is None or high is None:
        return []
    first, keys = _whole(low, "low"), _whole(high, "high") - _whole(low, "low")
    if keys < 0:
        raise ConfigurationError(
            f"the range of keys is the wrong way round: {low} to {high}",
            where="partition_keys",
            fix="give the lowest key, then the highest plus 1",
        )
    pieces = -(-keys // amount) if parts is None else min(amount, keys)
    limit = max_map_length() if at_most is None else at_most
    if pieces > limit:
        raise too_many(limit, f"keys {low} to {high}", "ask for fewer or for larger pieces")
    edges = even(keys, pieces) if parts else [*range(0, keys, amount), keys]
    return [
        {
            "name": f"{first + start} to {first + end - 1}",
            "start": first + start,
            "end": first + end,
        }
        for start, end in pairwise(edges)
    ]


def even(total: int, pieces: int) -> list[int]:
    """Return the edges of so many pieces of a total; their lengths differ by 1 at most."""
    return [number * total // pieces for number in range(pieces + 1)] if pieces else []


def _amount(parts: int | None, size: int | None) -> int:
    if (parts is None) == (size is None):
        raise ConfigurationError(
            "either the pieces' number or their size has to be given",
            where="partition_keys",
            fix="give parts=… or size=…",
        )
    amount = _whole(parts, "parts") if size is None else _whole(size, "size")
    if amount < 1:
        raise ConfigurationError(
            f"keys can't be cut by {amount}", where="partition_keys", fix="give 1 or more"
        )
    return amount


def _whole(value: object, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ConfigurationError(
        f"{what} is not a whole number: {value!r}",
        where="partition_keys",
        fix="give an int; a database's numeric becomes one by int(…)",
    )
