"""Types fit or are refused by what they hold, and PostgreSQL's own survive the way unchanged."""

# ruff: noqa: S608 -- a test's own names
from __future__ import annotations

import pytest

from tests.operators.transfer.conftest import Move
from updraft.testing.postgres import Database
from updraft.transfer.families import Family, fits

NAMES = {
    Family.INTEGER: "integer;INT;int8;bigint;SMALLINT;tinyint;mediumint;serial;bigserial;"
    "int unsigned;INTEGER(11)",
    Family.DECIMAL: "numeric(12,2);DECIMAL(10, 2);number;dec",
    Family.FLOAT: "real;float;float8;double;double precision;binary_double",
    Family.TEXT: "text;VARCHAR(20);character varying;character(3);nvarchar;CLOB;string;"
    "citext;name;longtext;varchar2(3);public.citext",
    Family.BOOLEAN: "boolean;bool",
    Family.DATE: "date",
    Family.TIMESTAMP: "timestamp without time zone;timestamp(3) without time zone;DATETIME;"
    "TIMESTAMP;datetime2;timestamp_ntz",
    Family.INSTANT: "timestamp with time zone;timestamp(0) with time zone;timestamptz;"
    "datetimeoffset;timestamp_ltz",
    Family.TIME: "time;time without time zone;time(3) without time zone",
    Family.INTERVAL: "interval;interval day to second",
    Family.JSON: "json;jsonb;JSON",
    Family.UUID: "uuid;UNIQUEIDENTIFIER",
    Family.BYTES: "bytea;BLOB;varbinary(20);longblob;raw",
    Family.OWN: "integer[];mood;geometry(Point,4326);text[];tsvector;time with time zone;point",
    Family.UNKNOWN: ";NULL",
}


@pytest.mark.parametrize("family", NAMES)
def test_a_type_is_known_by_any_databases_name(family: Family) -> None:
    found = {name: Family.of(name) for name in NAMES[family].split(";")}
    print(found)
    assert set(found.values()) == {family}


# What fits beside the same family; everything else must not.
WIDER = {
    ("integer", "numeric"), ("integer", "float8"), ("numeric", "float8"), ("float8", "numeric"),
    ("date", "timestamp"), ("date", "timestamptz"), ("timestamp", "timestamptz"),
    ("timestamptz", "timestamp"), ("jsonb", "text"), ("uuid", "text"),
}  # fmt: skip
AS_TEXT = ("date", "timestamp", "timestamptz", "time", "interval", "jsonb", "uuid", "numeric")
ONE_OF_EACH = (*AS_TEXT, "integer", "float8", "text", "boolean", "bytea", "mood")


@pytest.mark.parametrize("sqlite", [False, True])
def test_only_what_is_not_lost_fits(*, sqlite: bool) -> None:
    loose = {("text", each) for each in (*AS_TEXT, "mood")} | {("integer", "boolean")}
    wanted = WIDER | {(each, each) for each in ONE_OF_EACH}
    if sqlite:
        wanted |= loose | {(other, one) for one, other in loose}
    found = {
        (one, other)
        for one in ONE_OF_EACH
        for other in ONE_OF_EACH
        if fits(one, other, sqlite=sqlite)
    }
    print(len(found), "pairs fit of", len(ONE_OF_EACH) ** 2)
    assert found == wanted


def test_a_databases_own_types_fit_by_name_and_an_unknown_one_everywhere() -> None:
    assert fits("shop.Mood", "mood")
    assert not fits("mood", "colour")
    assert not fits("integer[]", "bigint[]")
    assert fits("", "integer")
    assert fits("mood", "NULL")


def test_every_value_of_postgresql_arrives_as_it_was(
    shop: Database, warehouse: Database, move: Move
) -> None:
    values = {
        "mood": "mood 'sad'", "list": "ARRAY['a,b', null, E'q\"\\\\']",
        "nested": "'{{1,2},{3,4}}'::int[]",
        "text": "E'tab\\tnewline\\nback\\\\slash \\\\N ü 😀'", "empty": "''::text",
        "none": "null::text",
        "raw": "'\\x00ff5c'::bytea", "float": "'0.1'::float8", "huge": "1e308::float8",
        "nan": "'nan'::float8", "digits": "1234567890.0123456789::numeric",
        "bignan": "'nan'::numeric",
        "instant": "'2026-03-29 02:30:00.123456+01'::timestamptz", "far": "'infinity'::timestamptz",
        "bc": "'0044-03-15 BC'::date", "plain": "'2026-03-29 02:30'::timestamp",
        "span": "'1 mon -2 days +03:04:05.6'::interval", "zoned": "'12:00+02'::timetz",
        "json": """'{"b": 1.10, "b": 2}'::json""", "jsonb": """'{"ü": [1, null, "\\""]}'::jsonb""",
        "uuid": "'6f1c7a3e-0000-4000-8000-000000000001'::uuid", "net": "'10.0.0.0/8'::cidr",
        "range": "'[1,5)'::int4range", "bits": "B'101'::varbit", "char": "'x '::char(3)",
        "flag": "false", "point": "'(1.5,2)'::point", "search": "'a:1 b:2'::tsvector",
    }  # fmt: skip
    listed = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
    for database in (shop, warehouse):
        database.sql("CREATE TYPE mood AS ENUM ('glad', 'sad')")
        database.sql(f"CREATE TABLE kinds AS SELECT {listed}")
    warehouse.sql("DELETE FROM kinds")
    for setting in (
        "DateStyle TO 'German'",
        "IntervalStyle TO 'iso_8601'",
        "bytea_output TO escape",
        "TimeZone TO 'America/New_York'",
        "extra_float_digits TO -3",
    ):
        shop.sql(f"ALTER DATABASE {shop.name} SET {setting}")
    warehouse.sql(f"ALTER DATABASE {warehouse.name} SET TimeZone TO 'Asia/Tokyo'")
    warehouse.sql(f"ALTER DATABASE {warehouse.name} SET DateStyle TO 'SQL, DMY'")
    result = move(mode="replace", source_table="kinds", target_table="kinds")
    assert result.state == "success", result.error
    same = "; ".join(
        f"SET {each}"
        for each in (
            "TimeZone TO 'UTC'",
            "DateStyle TO 'ISO'",
            "IntervalStyle TO 'postgres'",
            "extra_float_digits TO 1",
            "bytea_output TO hex",
        )
    )
    (left,), (right,) = (
        database.sql(f"{same}; SELECT kinds::text FROM kinds")[0] for database in (shop, warehouse)
    )
    print(right)
    assert len(values) == 28
    assert left == right


def test_an_encoding_other_than_utf8_is_translated(
    shop: Database, warehouse: Database, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{shop.name}_latin"
    shop.sql(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0")
    try:
        latin = Database(f"{shop.uri.rpartition('/')[0]}/{name}")
        latin.sql(r"CREATE TABLE orders AS SELECT 1 AS id, U&'Gr\00F6\00DFe' AS customer")
        monkeypatch.setenv("AIRFLOW_CONN_LATIN", latin.uri)
        result = move(mode="replace", source_conn_id="latin")
        assert result.state == "success", result.error
        assert warehouse.sql("SELECT customer FROM orders") == [("Größe",)]
    finally:
        shop.sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_times_without_a_zone_are_taken_as_utc(
    shop: Database, warehouse: Database, move: Move
) -> None:
    shop.sql(
        "CREATE TABLE times AS SELECT timestamp '2026-03-02 01:00' AS a,"
        " timestamptz '2026-03-02 01:00+02' AS b, date '2026-03-02' AS c"
    )
    warehouse.sql("CREATE TABLE times (a timestamptz, b timestamp, c timestamptz)")
    for database in (shop, warehouse):
        database.sql(f"ALTER DATABASE {database.name} SET TimeZone TO 'Asia/Tokyo'")
    move(mode="replace", source_table="times", target_table="times")
    found = warehouse.sql("SET TimeZone TO 'UTC'; SELECT a::text, b::text, c::text FROM times")
    assert found == [("2026-03-02 01:00:00+00", "2026-03-01 23:00:00", "2026-03-02 00:00:00+00")]
