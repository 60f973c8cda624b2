"""Writes rows to a database so that a retry replaces what an earlier try wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from updraft.errors import ConfigurationError
from updraft.sql import TableName, literal, quote, quote_table, sql_hook


def record_once(
    conn_id: str,
    table: str,
    rows: Iterable[Mapping[str, object]],
    *,
    key: Mapping[str, object],
) -> int:
    """Replace the rows of a key by these, in one transaction.

    Of two tries that overlap, PostgreSQL lets the second wait for the first; with another
    database a unique constraint refuses the second.

    Args:
        conn_id: A connection to a database.
        table: The table, `table` or `schema.table`.
        rows: The rows, {column: value}, all with the same columns.
        key: The columns that say whose rows these are, such as
            `{"run_id": run_id, "batch": batch["number"]}`. They are written to each row.

    Returns:
        How many rows were written.

    Raises:
        ConfigurationError: The connection can't be used, the table's name is not one, the key is
            empty or holds no value, or the rows' columns differ.
    """
    if not key or None in key.values():
        raise ConfigurationError(
            "the key does not say whose rows are to be replaced",
            where=f"record_once into {table}: {dict(key)}",
            fix='give its columns and their values, such as {"run_id": run_id, "batch": 7}',
        )
    hook, name = sql_hook(conn_id), TableName.parse(table)
    whole = [{**row, **key} for row in rows]
    if any(row.keys() != whole[0].keys() for row in whole):
        raise ConfigurationError(
            "the rows do not all have the same columns", where=str(name), fix="fill up with None"
        )
    target, mark = literal(hook, quote_table(hook, name)), hook.placeholder
    quoted = {column: literal(hook, quote(hook, column)) for column in (*key, *(whole or [{}])[0])}
    where = " AND ".join(f"{quoted[column]} = {mark}" for column in key)
    with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
        if hook.conn_type == "postgres":
            # Two tries would otherwise each delete what is there, and then both insert.
            _lock(cursor, name, key)
        cursor.execute(f"DELETE FROM {target} WHERE {where}", tuple(key.values()))  # noqa: S608 -- quoted
        if whole:
            marks = ", ".join([mark] * len(quoted))
            cursor.executemany(
                f"INSERT INTO {target} ({', '.join(quoted.values())}) VALUES ({marks})",  # noqa: S608 -- quoted
                [tuple(row[column] for column in quoted) for row in whole],
            )
        connection.commit()
    return len(whole)


def _lock(cursor: Any, table: TableName, key: Mapping[str, object]) -> None:
    subject = json.dumps([str(table), sorted(key.items())], default=str)
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (subject,))
