"""Pieces of time and of keys touch, never overlap, and are the same however they were asked for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from updraft.errors import ConfigurationError
from updraft.patterns import Interval, batches, partition_interval, partition_keys
from updraft.patterns.intervals import Every

# Zones that skip midnight, repeat it, skip a whole day, move by half an hour, or stay put.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana",
    "Atlantic/Azores", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kwajalein",
)  # fmt: skip
EVERY: tuple[Every, ...] = ("hour", "day", "week", "month", timedelta(hours=7, minutes=13))
PLENTY = 100_000


def instants(pieces: Sequence[Interval]) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]))
        for each in pieces
    ]


def begins(local: datetime, every: Every) -> bool:
    """Whether a local time is one at which the calendar's piece may begin."""
    return {
        "hour": (local.minute, local.second, local.microsecond) == (0, 0, 0),
        "day": True,
        "week": local.weekday() == 0,
        "month": local.day == 1,
    }[str(every)]


@pytest.mark.parametrize("every", EVERY, ids=str)
@pytest.mark.parametrize("zone", ZONES)
def test_pieces_of_time_touch_and_cover_the_interval(zone: str, every: Every) -> None:
    chance = random.Random(f"{zone} {every}")  # noqa: S311 -- seeded
    examined = 0
    for _ in range(12):
        start = datetime(1969, 1, 1, tzinfo=UTC) + timedelta(
            days=chance.randrange(21_000), seconds=chance.randrange(86_400)
        )
        longest = timedelta(days=30 if every == "hour" else 500)
        end = start + longest * chance.random()
        pieces = partition_interval(start, end, every=every, timezone=zone, at_most=PLENTY)
        bounds = instants(pieces)
        assert bounds[0][0] == start
        assert bounds[-1][1] == end
        assert all(first < last for first, last in bounds)
        assert all(before[1] == after[0] for before, after in pairwise(bounds))
        assert len({each["name"] for each in pieces}) == len(pieces)
        examined += len(pieces)
    print(f"{zone} by {every}: {examined} pieces")
    assert examined > 12


@pytest.mark.parametrize("every", ["day", "week", "month"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_calendars_piece_ends_where_the_next_local_date_begins(zone: str, every: Any) -> None:
    pieces = partition_interval(
        "2009-01-01", "2013-01-01", every=every, timezone=zone, at_most=PLENTY
    )
    zoned = ZoneInfo(zone)
    for start, end in instants(pieces[1:-1]):
        first, last = start.astimezone(zoned), end.astimezone(zoned)
        moment_before = (end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(zoned)
        assert begins(first, every) or zone == "Pacific/Apia"  # whose 30 December 2011 never was
        assert moment_before.date() < last.date()
        if every == "day":
            assert moment_before.date() == first.date()
    print(f"{zone}: {len(pieces)} pieces, {pieces[1]}")
    assert len(pieces) > 40


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/Havana"])
def test_the_same_pieces_come_of_a_part_of_the_interval(zone: str) -> None:
    whole = partition_interval("2026-03-01", "2026-04-15", every="day", timezone=zone)
    part = partition_interval("2026-03-20", "2026-04-02", every="day", timezone=zone)
    print(part[0], part[-1])
    assert [each for each in whole if each in part] == part


def test_days_on_which_the_clock_moves_have_23_and_25_hours() -> None:
    lengths = {}
    for day in ("2026-03-28", "2026-03-29", "2026-10-25"):
        following = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
        (piece,) = partition_interval(day, following, timezone="Europe/Berlin")
        hours = partition_interval(piece["start"], piece["end"], every="hour", timezone=ZONES[1])
        ((start, end),) = instants([piece])
        lengths[day] = ((end - start) / timedelta(hours=1), len(hours))
    print(lengths)
    assert lengths == {
        "2026-03-28": (24.0, 24),
        "2026-03-29": (23.0, 23),
        "2026-10-25": (25.0, 25),
    }


def test_the_hour_that_comes_twice_has_two_names() -> None:
    hours = partition_interval(
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T04:00:00+01:00",
        every="hour",
        timezone="Europe/Berlin",
    )
    assert [each["name"] for each in hours] == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]


@pytest.mark.parametrize(
    ("every", "names"),
    [
        ("day", ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]),
        ("week", ["2026-W09", "2026-W10"]),
        ("month", ["2026-02", "2026-03"]),
        (timedelta(days=3), ["2026-02-27T12:00:00+00:00", "2026-03-02T12:00:00+00:00"]),
    ],
    ids=str,
)
def test_a_piece_is_named_as_its_calendar_is_written(every: Every, names: list[str]) -> None:
    found = partition_interval("2026-02-27T12:00:00+00:00", "2026-03-02T18:00:00Z", every=every)
    assert [each["name"] for each in found] == names


def test_dates_texts_and_datetimes_give_the_same_pieces() -> None:
    zone = ZoneInfo("Europe/Berlin")
    ways: list[tuple[Any, Any]] = [
        ("2026-03-28", "2026-03-31"),
        (date(2026, 3, 28), date(2026, 3, 31)),
        (datetime(2026, 3, 28, tzinfo=zone), datetime(2026, 3, 31, tzinfo=zone)),
        ("2026-03-27T23:00:00Z", "2026-03-31T00:00:00+02:00"),
    ]
    found = [partition_interval(*way, timezone="Europe/Berlin") for way in ways]
    print(found[0])
    assert found == [found[0]] * len(ways)
    assert len(found[0]) == 3


MISTAKES: dict[str, tuple[Mapping[str, Any], str]] = {
    "no time zone": ({"start": datetime(2026, 1, 1)}, "start is not an instant"),  # noqa: DTZ001
    "a text without one": ({"end": "2026-01-01T10:00"}, "end is not an instant"),
    "no date": ({"start": "yesterday"}, "'yesterday'"),
    "nothing": ({"end": None}, "end is not an instant"),
    "backwards": ({"end": "2025-12-31"}, "the end of the interval is before its start"),
    "no such zone": ({"timezone": "Europe/Entenhausen"}, "no time zone"),
    "a path": ({"timezone": "../etc/passwd"}, "no time zone"),
    "no length": ({"every": timedelta()}, "0:00:00 long"),
    "a negative length": ({"every": timedelta(days=-1)}, "long"),
    "no such length": ({"every": "fortnight"}, "'fortnight' long"),
    "too many": ({"every": timedelta(seconds=1)}, "more pieces than 1024"),
    "more than were allowed": ({"at_most": 8}, "more pieces than 8"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_about_an_interval_is_told(mistake: str) -> None:
    change, told = MISTAKES[mistake]
    options: dict[str, Any] = {"start": "2026-01-01", "end": "2026-01-10", **change}
    with pytest.raises(ConfigurationError) as caught:
        partition_interval(options.pop("start"), options.pop("end"), **options)
    print(caught.value)
    assert told in str(caught.value)
    assert caught.value.fix


def test_an_empty_interval_has_no_pieces() -> None:
    assert partition_interval("2026-01-01", "2026-01-01") == []


def test_an_interval_of_as_many_pieces_as_are_allowed_is_cut() -> None:
    assert len(partition_interval("2026-01-01", "2026-01-10", at_most=9)) == 9


def test_pieces_of_keys_touch_and_cover_the_range() -> None:
    chance, examined = random.Random(4), 0  # noqa: S311 -- seeded
    for _ in range(500):
        low = chance.randrange(-(2**70), 2**70)
        keys = chance.choice([0, 1, 2, chance.randrange(10_000), chance.randrange(2**69)])
        ways = [{"parts": chance.randrange(1, 1000)}, {"size": keys // 700 + 1}]
        for way in ways:
            pieces = partition_keys(low, low + keys, **way)
            examined += len(pieces)
            edges = [low, *(each["end"] for each in pieces)]
            assert [each["start"] for each in pieces] == edges[:-1]
            assert edges[-1] == low + keys
            sizes = [each["end"] - each["start"] for each in pieces]
            assert all(size > 0 for size in sizes)
            if "parts" in way:
                assert len(pieces) == min(way["parts"], keys)
                assert max(sizes, default=0) - min(sizes, default=0) <= 1
            else:
                assert set(sizes[:-1]) <= {way["size"]}
                assert not sizes or sizes[-1] <= way["size"]
    print(f"{examined} pieces")
    assert examined > 10_000


def test_a_range_is_named_by_its_first_and_last_key() -> None:
    assert partition_keys(5, 8, parts=2) == [
        {"name": "5 to 5", "start": 5, "end": 6},
        {"name": "6 to 7", "start": 6, "end": 8},
    ]


@pytest.mark.parametrize("bounds", [(None, None), (None, 3), (3, None), (3, 3)])
def test_a_table_without_rows_has_no_ranges(bounds: tuple[Any, Any]) -> None:
    assert partition_keys(*bounds, parts=7) == []
    assert partition_keys(*bounds, size=7) == []


KEY_MISTAKES: dict[str, tuple[tuple[Any, Any], Mapping[str, Any], str]] = {
    "backwards": ((9, 3), {"parts": 2}, "wrong way round: 9 to 3"),
    "neither": ((0, 9), {}, "either the pieces' number or their size"),
    "both": ((0, 9), {"parts": 2, "size": 2}, "either the pieces' number or their size"),
    "no parts": ((0, 9), {"parts": 0}, "can't be cut by 0"),
    "a negative size": ((0, 9), {"size": -1}, "can't be cut by -1"),
    "a broken number": ((0, 9.5), {"parts": 2}, "high is not a whole number: 9.5"),
    "a text": (("0", 9), {"parts": 2}, "low is not a whole number: '0'"),
    "a truth": ((True, 9), {"parts": 2}, "low is not a whole number: True"),
    "half a part": ((0, 9), {"parts": 1.5}, "parts is not a whole number: 1.5"),
    "too many": ((0, 10**30), {"size": 1}, "more pieces than 1024"),
    "more than were allowed": ((0, 9), {"size": 1, "at_most": 8}, "more pieces than 8"),
}


@pytest.mark.parametrize("mistake", KEY_MISTAKES)
def test_a_mistake_about_a_range_is_told(mistake: str) -> None:
    bounds, options, told = KEY_MISTAKES[mistake]
    with pytest.raises(ConfigurationError) as caught:
        partition_keys(*bounds, **options)
    print(caught.value)
    assert told in str(caught.value)
    assert caught.value.fix


def test_more_pieces_than_airflow_maps_over_can_be_batched() -> None:
    hours = partition_interval("2020-01-01", "2026-01-01", every="hour", at_most=PLENTY)
    cut = batches(hours, pods=50)
    print(f"{len(hours)} hours in {len(cut)} batches")
    assert len(hours) == 52_608
    assert [each for batch in cut for each in batch["items"]] == hours
