"""Moves the rows that break a check into a quarantine: all of them in one transaction, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from updraft import sql
from updraft.errors import ConfigurationError, DataError, SchemaMismatchError
from updraft.quality.base import RowCheck, require
from updraft.quality.quarantine import Quarantine, TooManyBadRowsError
from updraft.quality.rows import Unique
from updraft.quality.scan import ONE, ZERO, Scan, joined, quoted, relation, value
from updraft.quality.session import Session

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

REASON, RUN_ID, TIME = "quarantine_reason", "quarantine_run_id", "quarantine_time"
_ADDED = (REASON, RUN_ID, TIME)
# The temporary table that says which rows are bad: where each is stored, why, and what is in it.
_BAD = sa.table("updraft_bad_rows", *map(sa.column, ("relation", "place", "reason", "content")))
_MAKE_BAD = {
    "postgresql": "CREATE TEMPORARY TABLE updraft_bad_rows"
    " (relation oid, place tid, reason text, content text) ON COMMIT DROP",
    "sqlite": "CREATE TEMPORARY TABLE updraft_bad_rows (place INTEGER, reason TEXT, content TEXT)",
}
# Whether it is an ordinary table, and which tables would lose rows together with its own.
_KIND = {
    "postgresql": """
        SELECT relkind IN ('r', 'p'), (
            SELECT string_agg(DISTINCT conrelid::regclass::text, ', ') FROM pg_constraint
            WHERE contype = 'f' AND confrelid = pg_class.oid AND confdeltype IN ('c', 'n', 'd'))
        FROM pg_class WHERE oid = to_regclass(:quoted)
    """,
    # SQLite heeds foreign keys only where a connection asks for it, and the hook's doesn't.
    "sqlite": """
        SELECT type = 'table' AND wr = 0, NULL FROM pragma_table_list
        WHERE lower(name) = lower(:name)
    """,
}


@dataclass(frozen=True)
class Move:
    """The move of a table's bad rows into a quarantine.

    Args:
        hook: The database.
        table: The table under check.
        quarantine: Where its bad rows go.
        where: Which of its rows are under check; all without it.
        checks: What a row must not break.

    Example:
        >>> import os
        >>> from updraft.quality import NotNull
        >>> os.environ["AIRFLOW_CONN_MEMORY"] = "sqlite:///:memory:"
        >>> move = Move(sql.sql_hook("memory"), sql.TableName("orders"), Quarantine("bad"), None,
        ...             [NotNull("id")])
        >>> move.prepare()
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: there is no table orders, ...
    """

    hook: DbApiHook
    table: sql.TableName
    quarantine: Quarantine
    where: sa.TextClause | None
    checks: Sequence[RowCheck]

    @property
    def target(self) -> sql.TableName:
        """The quarantine's table."""
        return sql.TableName.parse(self.quarantine.table)

    def prepare(self) -> None:
        """Find out, before anything changes, whether rows can be moved.

        Raises:
            ConfigurationError: The database or the table is of a kind whose rows can't be moved.
            SchemaMismatchError: The quarantine's columns don't fit the table's.
        """
        where = f"connection {self.hook.get_conn_id()}, table {self.table}"
        missing = self._mismatches()
        if missing:
            raise SchemaMismatchError(
                f"the quarantine's columns don't fit: {'; '.join(missing)}",
                where=f"connection {self.hook.get_conn_id()}, table {self.target}",
                fix="alter the quarantine's table, or name another: a missing one is made",
            )
        with Session(self.hook) as session:
            require(
                session.database in _KIND,
                f"rows can't be moved aside in a database of the kind {session.database}",
                where,
                "leave quarantine out, or check a table in PostgreSQL or SQLite",
            )
            ((ordinary, dependent),) = session.rows(self._kind(session)) or [(False, None)]
        require(ordinary, "rows can be moved out of an ordinary table only", where, "name one")
        require(
            not dependent,
            f"moving rows would change {dependent}, whose foreign keys follow a deleted row",
            where,
            "make these foreign keys refuse (NO ACTION), or leave quarantine out",
        )

    def run(self, session: Session, run_id: str) -> int:
        """Move the bad rows and commit; return how many there were.

        Rows that an earlier try of the same run has moved, and that are in the table again, are
        replaced in the quarantine and not doubled.

        Args:
            session: One that may write.
            run_id: The DAG run's id.

        Raises:
            TooManyBadRowsError: There are more than the quarantine may take; nothing was moved.
            DataError: The database moved other rows than the bad ones; nothing was moved.
        """
        if session.database == "postgresql":
            # A row must not change its place between being found and being moved.
            session.run(sa.text(f"LOCK TABLE {self._quoted} IN SHARE ROW EXCLUSIVE MODE"))
        session.run(sa.text(_MAKE_BAD[session.database]))
        found = self._found(session.database)
        session.run(_BAD.insert().from_select(list(found.selected_columns.keys()), found))
        ((bad, rows),) = session.rows(self._numbers())
        if not bad:
            return 0
        if refusal := self.quarantine.refusal(bad, rows):
            raise TooManyBadRowsError(
                f"the quarantine moves nothing: {refusal}",
                where=f"table {self.table}",
                fix="mend the source, or raise the quarantine's limit",
            )
        session.run(self._create())
        session.run(self._forget(session.database, run_id))
        moved = session.run(self._insert(session.database, run_id))
        removed = session.run(self._delete(session.database))
        if not bad == moved == removed:
            raise DataError(
                f"of {bad} bad rows {moved} would be in the quarantine and {removed} be deleted",
                where=f"tables {self.table} and {self.target}",
                fix="look for a trigger, a rule or a row policy on them; nothing was moved",
            )
        session.commit()
        return int(bad)

    @cached_property
    def _columns(self) -> Mapping[str, str]:
        return {each.name: each.type for each in sql.columns(self.hook, self.table)}

    @property
    def _quoted(self) -> str:
        # In the text of a statement a colon would begin a parameter.
        return sql.quote_table(self.hook, self.table).replace(":", "\\:")

    def _kind(self, session: Session) -> sa.TextClause:
        names = {"quoted": sql.quote_table(self.hook, self.table), "name": self.table.name}
        statement = _KIND[session.database]
        used = {key: name for key, name in names.items() if f":{key}" in statement}
        return sa.text(statement).bindparams(**used)

    def _mismatches(self) -> list[str]:
        own = set(_ADDED) & set(self._columns)
        if own:
            return [f"the table itself has {', '.join(sorted(own))}"]
        try:
            there = {each.name: each.type for each in sql.columns(self.hook, self.target)}
        except ConfigurationError:
            return []  # it will be made
        lacking = [f"there is no {name}" for name in (*self._columns, *_ADDED) if name not in there]
        if self.hook.dialect_name == "sqlite":
            return lacking  # a column's type binds nothing there
        return lacking + [
            f"{name} is {there[name]}, not {kind}"
            for name, kind in self._columns.items()
            if there.get(name, kind) != kind
        ]

    def _places(self, database: str) -> dict[str, str]:
        """Return the columns of _BAD, with the hidden ones of the table that they keep."""
        if database == "postgresql":
            return {"relation": "tableoid", "place": "ctid"}
        taken = {name.lower() for name in self._columns}
        return {"place": next(each for each in ("rowid", "_rowid_", "oid") if each not in taken)}

    def _found(self, database: str) -> sa.Select[Any]:
        """Return a query for what _BAD is to hold."""
        hidden = self._places(database)
        scan = Scan(self.table, [*self._columns, *hidden.values()], self.where)
        flags = {
            check.title: check.broken(scan)
            for check in self.checks
            if not isinstance(check, Unique)
        }
        worse = sa.case((sa.or_(sa.false(), *flags.values()), ONE), else_=ZERO)
        order = [worse, *(scan.column(name) for name in hidden.values())]
        flags |= {
            check.title: check.broken(scan, order)
            for check in self.checks
            if isinstance(check, Unique)
        }
        parts = [sa.case((flag, f"{title}; "), else_="") for title, flag in flags.items()]
        reason = sa.func.rtrim(joined(parts), "; ")
        rows = scan.select(
            [
                *(scan.column(name).label(key) for key, name in hidden.items()),
                reason.label("reason"),
                _content(database, (scan.column(name) for name in self._columns)).label("content"),
            ]
        ).subquery()
        return sa.select(*rows.c).where(rows.c.reason != "")

    def _numbers(self) -> sa.Select[Any]:
        bad = sa.select(sa.func.count()).select_from(_BAD).scalar_subquery()
        return Scan(self.table, [*self._columns], self.where).select([bad, sa.func.count()])

    def _create(self) -> sa.CreateTableAs:
        source = relation(self.table, self._columns)
        text, time = sa.cast(sa.null(), sa.Text), sa.func.current_timestamp()
        none = sa.select(*source.c, text.label(REASON), text.label(RUN_ID), time.label(TIME)).where(
            sa.false()
        )
        return sa.CreateTableAs(
            none,
            quoted(self.target.name),
            schema=quoted(self.target.schema) if self.target.schema else None,
            if_not_exists=True,
        )

    def _forget(self, database: str, run_id: str) -> sa.Delete:
        target = relation(self.target, [*self._columns, RUN_ID])
        content = _content(database, (target.c[name] for name in self._columns))
        return sa.delete(target).where(
            target.c[RUN_ID] == value(run_id), content.in_(sa.select(_BAD.c.content))
        )

    def _insert(self, database: str, run_id: str) -> sa.Insert:
        places = self._places(database)
        source = relation(self.table, [*self._columns, *places.values()])
        target = relation(self.target, [*self._columns, *_ADDED])
        rows = sa.select(
            *(source.c[name] for name in self._columns),
            _BAD.c.reason,
            sa.cast(value(run_id), sa.Text),
            sa.func.current_timestamp(),
        ).where(*(source.c[name] == _BAD.c[key] for key, name in places.items()))
        return sa.insert(target).from_select([*self._columns, *_ADDED], rows)

    def _delete(self, database: str) -> sa.Delete:
        places = self._places(database)
        source = relation(self.table, places.values())
        bad = sa.select(*(_BAD.c[key] for key in places))
        return sa.delete(source).where(sa.tuple_(*source.c).in_(bad))


def _content(database: str, columns: Iterable[sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
    """Return all that is in a row as one text, which any type has, and NULL too."""
    if database == "postgresql":
        return sa.cast(sa.func.row(*columns), sa.Text)
    return joined((sa.cast(sa.func.quote(each), sa.Text) for each in columns), ",")
