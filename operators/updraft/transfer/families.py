"""Which types of columns may go into which, across databases, without losing anything silently."""

from __future__ import annotations

import re
from enum import StrEnum


class Family(StrEnum):
    """Types that hold the same kind of value, whatever a database calls them.

    Example:
        >>> Family.of("character varying(20)"), Family.of("TIMESTAMP WITH TIME ZONE")
        (<Family.TEXT: 'text'>, <Family.INSTANT: 'timestamp with time zone'>)
    """

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    INSTANT = "timestamp with time zone"
    TIME = "time"
    INTERVAL = "interval"
    JSON = "json"
    UUID = "uuid"
    BYTES = "bytes"
    # A database's own type, such as an array, an enumeration or a geometry.
    OWN = "own"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, type_name: str) -> Family:
        """Return the family of a type by its name in the database's words."""
        bare = _bare(type_name)
        if bare in ("", "null"):
            return cls.UNKNOWN
        return next((each for each, form in _FORMS.items() if form.fullmatch(bare)), cls.OWN)


_FORMS = {
    family: re.compile(form)
    for family, form in {
        Family.INTEGER: r"(tiny|small|medium|big)?(int|serial)(eger)?[248]?( unsigned)?",
        Family.DECIMAL: r"numeric|decimal|number|dec",
        Family.FLOAT: r"real|float[48]?|double( precision)?|binary_(float|double)",
        Family.TEXT: r"n?(var)?char2?|character( varying)?|(tiny|medium|long|n)?text"
        r"|n?clob|string|citext|name|bpchar|nvarchar2?",
        Family.BOOLEAN: r"bool(ean)?",
        Family.DATE: r"date",
        Family.TIMESTAMP: r"(timestamp|datetime2?|timestamp_ntz)( without time zone)?",
        Family.INSTANT: r"timestamp(tz| with time zone|_tz|_ltz)|datetimeoffset",
        Family.TIME: r"time( without time zone)?",
        Family.INTERVAL: r"interval.*",
        Family.JSON: r"jsonb?|variant",
        Family.UUID: r"uuid|uniqueidentifier",
        Family.BYTES: r"bytea|bytes|(tiny|medium|long)?blob|(var)?binary|raw|image",
    }.items()
}

# Beside its own family. A wider type takes a narrower one whole; a value that is too large for
# the target's column is refused by the target itself, and then no row has moved.
_FITS: dict[Family, set[Family]] = {
    Family.INTEGER: {Family.DECIMAL, Family.FLOAT},
    Family.DECIMAL: {Family.FLOAT},
    Family.FLOAT: {Family.DECIMAL},
    Family.DATE: {Family.TIMESTAMP, Family.INSTANT},
    Family.TIMESTAMP: {Family.INSTANT},
    Family.INSTANT: {Family.TIMESTAMP},
    Family.JSON: {Family.TEXT},
    Family.UUID: {Family.TEXT},
}
# SQLite has five kinds of values and keeps everything else in these.
_AS_TEXT = {
    *(Family.DATE, Family.TIMESTAMP, Family.INSTANT, Family.TIME, Family.INTERVAL),
    *(Family.JSON, Family.UUID, Family.DECIMAL, Family.OWN),
}


def fits(source: str, target: str, *, sqlite: bool = False) -> bool:
    """Tell whether values of one type may go into a column of another.

    Args:
        source: The source's type in its database's words; empty for an unknown one, which fits
            anything: the target judges each value.
        target: The target's.
        sqlite: Whether one of the two is SQLite, where text serves as a date, and 1 as true.
    """
    one, other = Family.of(source), Family.of(target)
    if Family.UNKNOWN in (one, other):
        return True
    if one is other:
        return one is not Family.OWN or _bare(source) == _bare(target)
    loose = sqlite and (_loosely(one, other) or _loosely(other, one))
    return loose or other in _FITS.get(one, ())


def _loosely(stored: Family, meant: Family) -> bool:
    as_text = stored is Family.TEXT and meant in _AS_TEXT
    return as_text or (stored is Family.INTEGER and meant is Family.BOOLEAN)


def _bare(type_name: str) -> str:
    """The name without length or precision, without a schema, in small letters."""
    name = re.sub(r"\([^)]*\)", "", type_name.lower())
    return " ".join(name.rpartition(".")[2].split())
