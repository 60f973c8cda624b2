"""The SQL of a target: staging, checks of what was staged, and the three ways to apply it."""

# ruff: noqa: S608 -- every name is quoted
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from updraft import sql

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    from updraft.transfer.interval import Interval

STAGING = "updraft_staging"
# Databases that know INSERT … ON CONFLICT.
ON_CONFLICT = ("postgresql", "sqlite")


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements for one target; every name in them is quoted.

    Args:
        hook: The target database's.
        table: The target.
        names: Its columns that are moved, in the order of the rows' values.

    Example:
        >>> from airflow.providers.postgres.hooks.postgres import PostgresHook
        >>> from airflow.sdk import Connection
        >>> hook = PostgresHook(connection=Connection(conn_id="dw", conn_type="postgres"))
        >>> Statements(hook, sql.TableName("orders"), ["id", "total"]).insert()
        'INSERT INTO "orders" ("id", "total") SELECT "id", "total" FROM "updraft_staging"'
    """

    hook: DbApiHook
    table: sql.TableName
    names: Sequence[str]

    @property
    def target(self) -> str:
        """The target's name, quoted."""
        return sql.quote_table(self.hook, self.table)

    @property
    def staging(self) -> str:
        """The staging table's name, quoted; never the target's, which it would hide."""
        return sql.quote(self.hook, STAGING + "_" * (self.table.name == STAGING))

    def create_staging(self) -> str:
        """Make an empty table of this session with the target's types and none of its rules."""
        postgres = self.hook.dialect_name == "postgresql"
        at_commit = " ON COMMIT DROP" if postgres else ""
        return (
            f"CREATE TEMPORARY TABLE {self.staging}{at_commit} AS "
            f"SELECT {self.listed(self.names)} FROM {self.target} WHERE 1 = 0"
        )

    def stage_by_copy(self) -> str:
        """Fill the staging table from PostgreSQL's COPY stream, as text: each value by its type."""
        return f"COPY {self.staging} FROM STDIN"

    def stage_by_insert(self) -> str:
        """Fill the staging table by one row's values."""
        places = ", ".join([self.hook.placeholder] * len(self.names))
        return f"INSERT INTO {sql.literal(self.hook, self.staging)} VALUES ({places})"

    def lock(self) -> str:
        """Keep other writers away until the transaction ends; readers go on."""
        if self.hook.dialect_name == "postgresql":
            return f"LOCK TABLE {self.target} IN SHARE ROW EXCLUSIVE MODE"
        return "BEGIN IMMEDIATE" if self.hook.dialect_name == "sqlite" else ""

    def delete(self, interval: Interval | None) -> str:
        """Empty the target, or one interval of it."""
        if interval is None:
            return f"DELETE FROM {self.target}"
        condition = interval.condition(self.hook, interval.column)
        return f"DELETE FROM {sql.literal(self.hook, self.target)} WHERE {condition}"

    def insert(self) -> str:
        """Put every staged row into the target."""
        listed = self.listed(self.names)
        return f"INSERT INTO {self.target} ({listed}) SELECT {listed} FROM {self.staging}"

    def upsert(self, keys: Sequence[str]) -> str:
        """Put every staged row into the target, over the row with the same keys."""
        others = [sql.quote(self.hook, name) for name in self.names if name not in keys]
        changes = ", ".join(f"{name} = excluded.{name}" for name in others)
        action = f"UPDATE SET {changes}" if others else "NOTHING"
        # Without a WHERE, SQLite takes ON for a part of a join.
        return f"{self.insert()} WHERE 1 = 1 ON CONFLICT ({self.listed(keys)}) DO {action}"

    def without_keys(self, keys: Sequence[str]) -> str:
        """Count the staged rows with NULL in a key."""
        missing = " OR ".join(f"{sql.quote(self.hook, name)} IS NULL" for name in keys)
        return f"SELECT count(*) FROM {self.staging} WHERE {missing}"

    def duplicates(self, keys: Sequence[str]) -> str:
        """List the keys that several staged rows have, with how many."""
        listed = self.listed(keys)
        return (
            f"SELECT {listed}, count(*) FROM {self.staging} "
            f"GROUP BY {listed} HAVING count(*) > 1 ORDER BY {listed}"
        )

    def outside(self, interval: Interval) -> str:
        """Count the staged rows that the target would not find in the interval."""
        condition = interval.condition(self.hook, interval.column)
        column = sql.literal(self.hook, sql.quote(self.hook, interval.column))
        staging = sql.literal(self.hook, self.staging)
        return f"SELECT count(*) FROM {staging} WHERE NOT ({condition}) OR {column} IS NULL"

    def unique_index(self, keys: Sequence[str]) -> str:
        """The statement that would make an upsert by these keys possible."""
        name = sql.quote(self.hook, "_".join([self.table.name, *keys, "key"]))
        return f"CREATE UNIQUE INDEX {name} ON {self.target} ({self.listed(keys)})"

    def listed(self, names: Sequence[str]) -> str:
        """Names, quoted, for a list of columns."""
        return ", ".join(sql.quote(self.hook, name) for name in names)
