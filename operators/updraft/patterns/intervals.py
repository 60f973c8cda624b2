"""Cuts an interval of time into pieces that touch: none overlaps, nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Literal, TypedDict
from zoneinfo import ZoneInfo

from updraft.errors import ConfigurationError
from updraft.patterns.limits import max_map_length, too_many

Every = timedelta | Literal["hour", "day", "week", "month"]


class Interval(TypedDict):
    """A piece of time: from `start` on, up to but without `end`.

    Plain text inside, so that it passes through XCom, a template and SQL as it is; in Python
    `datetime.fromisoformat(interval["start"])` reads it.

    Example:
        >>> Interval(name="2026-03-29", start="2026-03-29T00:00:00+01:00",
        ...          end="2026-03-30T00:00:00+02:00")["name"]
        '2026-03-29'
    """

    name: str
    start: str
    end: str


def partition_interval(
    start: datetime | date | str,
    end: datetime | date | str,
    *,
    every: Every = "day",
    timezone: str = "UTC",
    at_most: int | None = None,
) -> list[Interval]:
    """Return the interval in pieces to map over, in order.

    A calendar's pieces begin where the calendar's do (an hour's at minute 0, a day's at local
    midnight, a week's on Monday, a month's on the first), so the same day is the same piece
    whatever the interval began with; the first and the last are shorter where the interval cuts
    them. A timedelta's pieces are counted from the start, in elapsed time.

    Args:
        start: Its first instant; a date, or a text of one, is that day's midnight.
        end: The first instant after it. The same as the start is an interval of no pieces.
        every: A piece's length.
        timezone: An IANA name; whose calendar it is. A day of 23 or 25 hours is one piece.
        at_most: The most pieces allowed; what Airflow maps over at most if it is not set.

    Raises:
        ConfigurationError: An instant has no time zone, the end is before the start, a length or
            a time zone does not exist, or there would be too many pieces.

    Example:
        >>> [each["name"] for each in partition_interval("2026-01-30", "2026-02-02")]
        ['2026-01-30', '2026-01-31', '2026-02-01']
        >>> (day,) = partition_interval("2026-03-29", "2026-03-30", timezone="Europe/Berlin")
        >>> day["start"], day["end"]
        ('2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00')
    """
    zone = _zone(timezone)
    first, last = _instant(start, zone, "start"), _instant(end, zone, "end")
    if last < first:
        raise ConfigurationError(
            f"the end of the interval is before its start ({start} to {end})",
            where="partition_interval",
            fix="give the earlier instant first",
        )
    following, name = _kind(every, zone)
    limit = max_map_length() if at_most is None else at_most
    pieces: list[Interval] = []
    while first < last:
        if len(pieces) == limit:
            raise too_many(limit, f"{start} to {end}, every {every}", "choose a longer `every`")
        boundary = min(following(first), last)
        local = first.astimezone(zone)
        pieces.append(
            {
                "name": name(local),
                "start": local.isoformat(),
                "end": boundary.astimezone(zone).isoformat(),
            }
        )
        first = boundary
    return pieces


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigurationError(
            f'there is no time zone "{name}"',
            where="partition_interval",
            fix='give an IANA name such as "Europe/Berlin"',
        ) from error


def _instant(value: datetime | date | str, zone: ZoneInfo, which: str) -> datetime:
    """Return an instant in UTC, whose arithmetic is of elapsed time."""
    try:
        found = _read(value) if isinstance(value, str) else value
    except ValueError as error:
        raise _no_instant(value, which) from error
    if isinstance(found, datetime):
        if found.utcoffset() is None:
            raise _no_instant(value, which)
        return _utc(found)
    if isinstance(found, date):
        return _midnight(found, zone)
    raise _no_instant(value, which)


def _read(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _no_instant(value: object, which: str) -> ConfigurationError:
    return ConfigurationError(
        f"the interval's {which} is not an instant with a time zone: {value!r}",
        where="partition_interval",
        fix='give a datetime with a tzinfo, a date, or a text such as "2026-03-29" or '
        '"2026-03-29T00:00:00+01:00"',
    )


def _utc(instant: datetime) -> datetime:
    # A subclass such as pendulum's would carry its own arithmetic along.
    moved = instant.astimezone(UTC)
    return datetime.combine(moved.date(), moved.time(), UTC)


def _midnight(day: date, zone: ZoneInfo, fold: int = 0) -> datetime:
    # A midnight that a clock skips is, by fold 0, the instant at which it was put forward.
    return datetime.combine(day, time(fold=fold), zone).astimezone(UTC)


def _days(today: date) -> Iterator[date]:
    return (today + timedelta(days=ahead) for ahead in count(1))


def _mondays(today: date) -> Iterator[date]:
    monday = today - timedelta(days=today.weekday())
    return (monday + timedelta(weeks=ahead) for ahead in count(1))


def _firsts(today: date) -> Iterator[date]:
    months = today.year * 12 + today.month - 1
    return (date((months + ahead) // 12, (months + ahead) % 12 + 1, 1) for ahead in count(1))


# A calendar's pieces: the dates after a day that begin one, and how a piece is called.
_CALENDARS = {
    "day": (_days, "%Y-%m-%d"),
    "week": (_mondays, "%G-W%V"),
    "month": (_firsts, "%Y-%m"),
}
_Following = Callable[[datetime], datetime]
_Name = Callable[[datetime], str]


def _kind(every: Every, zone: ZoneInfo) -> tuple[_Following, _Name]:
    """Return what gives the next boundary after an instant, and a piece's name."""
    if isinstance(every, timedelta):
        if every <= timedelta():
            raise ConfigurationError(
                f"a piece can't be {every} long",
                where="partition_interval",
                fix="give a timedelta greater than 0",
            )
        return lambda at: at + every, datetime.isoformat
    if every == "hour":
        return lambda at: _next_hour(at, zone), lambda at: at.isoformat(timespec="minutes")
    if every not in _CALENDARS:
        raise ConfigurationError(
            f"a piece can't be {every!r} long",
            where="partition_interval",
            fix='give "hour", "day", "week", "month" or a timedelta',
        )
    days, form = _CALENDARS[every]
    return lambda at: _next_day(at, zone, days), lambda at: at.strftime(form)


def _next_hour(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return at + timedelta(hours=1) - (local - local.replace(minute=0, second=0, microsecond=0))


def _next_day(at: datetime, zone: ZoneInfo, days: Callable[[date], Iterator[date]]) -> datetime:
    """Return the first midnight after an instant that begins one of the calendar's pieces."""
    # Where a clock was put back across midnight, the first of two is in the past.
    midnights = (
        _midnight(day, zone, fold) for day in days(at.astimezone(zone).date()) for fold in (0, 1)
    )
    return next(midnight for midnight in midnights if midnight > at)
