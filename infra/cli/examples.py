"""The databases that the example DAGs work on, in the platform's own PostgreSQL."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from infra.cli.airflow_api import AirflowApi
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.output import Output
from infra.values import names

# A source of daily orders, and where they are brought: connections of the same names.
EXAMPLES = ("shop", "warehouse")
_ADMINISTRATOR = "airflow"


@dataclass(frozen=True)
class ExampleDatabase:
    """A database with an owner of its own, and Airflow's connection to it, all of one name.

    Args:
        platform: Whose PostgreSQL.
        name: Of database, role and connection; a plain identifier.
    """

    platform: Platform
    name: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def sql(self, text: str, database: str | None = None) -> list[list[str]]:
        """Run SQL as PostgreSQL's administrator, through its pod; rows of texts."""
        where = f"statefulset/{names.POSTGRESQL}"
        pod = ("exec", "-i", "-n", self.platform.namespace, where, "-c", "postgresql", "--")
        who = ("-U", _ADMINISTRATOR, "-d", database or self.name)
        psql = ("psql", *who, "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1")
        answer = self.platform.kubectl.run(*pod, *psql, input=text)
        return [line.split("\t") for line in answer.splitlines()]

    def create(self, api: AirflowApi) -> bool:
        """Make what is missing of it, with a new password; what is in the database stays.

        Returns:
            Whether the database is new.
        """
        name = self.name
        if not self._has("pg_roles", "rolname"):
            self.sql(f"CREATE ROLE {name} LOGIN", _ADMINISTRATOR)
        self.sql(f"ALTER ROLE {name} PASSWORD '{self.password}'", _ADMINISTRATOR)
        new = not self._has("pg_database", "datname")
        if new:
            self.sql(f"CREATE DATABASE {name} OWNER {name}", _ADMINISTRATOR)
        api.put_connection(
            name,
            conn_type="postgres",
            host=names.host(names.POSTGRESQL, self.platform.namespace),
            port=5432,
            schema=name,
            login=name,
            password=self.password,
        )
        return new

    def drop(self, api: AirflowApi) -> None:
        """Remove all of it, if it is there."""
        self.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", _ADMINISTRATOR)
        self.sql(f"DROP ROLE IF EXISTS {self.name}", _ADMINISTRATOR)
        api.delete_connection(self.name)

    def _has(self, catalogue: str, column: str) -> bool:
        query = f"SELECT 1 FROM {catalogue} WHERE {column} = '{self.name}'"  # noqa: S608 -- our own names
        return bool(self.sql(query, _ADMINISTRATOR))


def examples(options: Options) -> None:
    """Make the example DAGs' databases and connections.

    Raises:
        UpdraftError: The stack's database is none of the platform's own.
    """
    platform = Platform.recorded(options)
    if platform.settings.database.external:
        raise UpdraftError(
            f"the database of stack {platform.chosen.stack} is not the platform's own",
            where="updraft:database.external",
            fix=f"make databases and Airflow connections named {' and '.join(EXAMPLES)} by hand",
        )
    output = Output()
    with platform.api() as api:
        for name in EXAMPLES:
            new = ExampleDatabase(platform, name).create(api)
            output(f"database and connection {name}: {'made' if new else 'there, its data kept'}")
    output("now, for example: make trigger DAG=warehouse_nightly")
