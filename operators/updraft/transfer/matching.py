"""Which column goes into which: every mismatch found before a row moves, and told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from updraft.errors import SchemaMismatchError
from updraft.sql import Column
from updraft.transfer.families import fits

Chosen = Mapping[str, str] | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the source and the one of the target that takes its values.

    Example:
        >>> Pair(Column("id", "integer", True), Column("order_id", "bigint", False)).target.name
        'order_id'
    """

    source: Column
    target: Column


def match(  # noqa: PLR0913 -- two sides, and how to match them
    source: Sequence[Column],
    target: Sequence[Column],
    *,
    chosen: Chosen = None,
    needed: Sequence[str] = (),
    sqlite: bool = False,
    where: str = "",
) -> tuple[Pair, ...]:
    """Return the pairs of columns to move.

    Args:
        source: What the source gives.
        target: What the target has.
        chosen: Names to move, or the source's names with the target's; None for all.
        needed: The target's columns that have to be among them, such as keys.
        sqlite: Whether one of the two is SQLite.
        where: The place for the error.

    Raises:
        SchemaMismatchError: They don't fit; it lists every reason.
    """
    names = _names(source, chosen)
    sources = {each.name: each for each in source}
    targets = {each.name: each for each in target}
    problems = [
        *_misnamed(source, names, sources, targets),
        *_unfilled(names, targets, needed),
    ]
    pairs = [  # for what is found on both sides, the types can be told, too
        Pair(sources[one], targets[other])
        for one, other in names
        if one in sources and other in targets
    ]
    problems += _misfits(pairs, sqlite=sqlite)
    if problems:
        raise SchemaMismatchError(
            "source and target don't fit:\n    " + "\n    ".join(dict.fromkeys(problems)),
            where=where,
            fix="choose or rename by columns=, cast in a query by sql=, or alter the target",
        )
    return tuple(pairs)


def _names(source: Sequence[Column], chosen: Chosen) -> list[tuple[str, str]]:
    if chosen is None:
        return [(each.name, each.name) for each in source]
    if isinstance(chosen, Mapping):
        return [*chosen.items()]
    return [(name, name) for name in chosen]


def _misnamed(
    source: Sequence[Column],
    names: Sequence[tuple[str, str]],
    sources: Mapping[str, Column],
    targets: Mapping[str, Column],
) -> Iterator[str]:
    if not names:
        yield "no column is to be moved"
    given = Counter(each.name for each in source)
    filled = Counter(other for _, other in names)
    for one, other in names:
        if one not in sources:
            yield f"the source has no column {one}; it has {_listed(sources)}"
        elif given[one] > 1:
            yield f"the source has {given[one]} columns {one}: name them apart"
        if other not in targets:
            yield f"the target has no column {other}; it has {_listed(targets)}"
    yield from (f"{count} columns go into {name}" for name, count in filled.items() if count > 1)


def _unfilled(
    names: Sequence[tuple[str, str]], targets: Mapping[str, Column], needed: Sequence[str]
) -> Iterator[str]:
    filled = {other for _, other in names}
    for name in needed:
        if name not in filled:
            yield f"{name} is needed (keys, interval_column) but is not moved"
    for each in targets.values():
        takes_nothing = not (each.nullable or each.has_default or each.generated)
        if takes_nothing and each.name not in filled:
            yield f"the target's {each.name} is NOT NULL without a default, and nothing fills it"


def _misfits(pairs: Sequence[Pair], *, sqlite: bool) -> Iterator[str]:
    for pair in pairs:
        one, other = pair.source, pair.target
        if other.generated:
            yield f"the target fills {other.name} itself: leave it out"
        elif not fits(one.type, other.type, sqlite=sqlite):
            yield f"{one.name} is {one.type} and doesn't fit into {other.name}, {other.type}"


def _listed(names: Mapping[str, Column]) -> str:
    return ", ".join(names)
