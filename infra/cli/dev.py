"""`make dev`: Airflow on this machine with the checkout's DAGs, a PostgreSQL and no cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from infra.cli.airflow_api import AirflowApi
from infra.cli.examples import EXAMPLES
from infra.cli.options import DEFAULT_STACK, Options, flag
from infra.dev import environment, pages, platform_options
from infra.dev.components import Components, described
from infra.dev.home import Home
from infra.errors import UpdraftError
from infra.images import page
from infra.local.paths import Paths
from infra.output import Output
from infra.root import ROOT
from updraft.testing import postgres
from updraft.testing.binaries import PostgresError

# Seconds for the first page.
PATIENCE = 180.0
# Seconds between two looks at the DAGs.
PACE = 2.0


def dev(options: Options, dags: str | None) -> None:
    """Run Airflow until it is interrupted.

    Args:
        options: Its port, its stack (for the tasks' sizes) and its instance.
        dags: The folder with the DAGs; by default the checkout's.

    Raises:
        UpdraftError: Something is missing or taken, or a process has ended by itself.
    """
    folder = Path(dags).resolve() if dags else ROOT / "dags"
    if not folder.is_dir():
        raise UpdraftError("there is no such folder", where=str(folder), fix="name one with DAGs")
    platform = platform_options.variables(options.stack or DEFAULT_STACK)
    home = Home.of(Paths.for_instance(options.instance))
    output = Output(steps=3)
    with home.taken() as lock:
        port = environment.ui_port(options.ui_port)
        url = f"http://127.0.0.1:{port}"
        home.write_owner(url)
        if flag("RESET"):
            home.reset()
            output("deleted the databases and files of earlier runs")
        output.step("PostgreSQL")
        with _database(home) as server:
            for name in ("airflow", *EXAMPLES):
                server.create(name)
            output(f"databases airflow, {', '.join(EXAMPLES)} on 127.0.0.1:{server.port}")
            variables = environment.variables(home, server, port, platform, folder)
            components = Components(home.logs, variables, lock)
            _fetch_charts(output)
            with components.kept():
                _migrate(components, home, output)
                _start(components, url, port, output)
                output.framed(_notice(url, folder, home))
                _watch(components, url, output)


@contextmanager
def _database(home: Home) -> Iterator[postgres.Server]:
    try:
        with postgres.running(home.data) as server:
            yield server
    except PostgresError as error:
        raise UpdraftError(error.what, where=error.where, fix=error.fix) from error


def _fetch_charts(output: Output) -> None:
    """Bring the Platform page's chart library; the page does without where it can't be had."""
    try:
        page.ensure(output)
    except UpdraftError as error:
        output(str(error))


def _migrate(components: Components, home: Home, output: Output) -> None:
    """Bring the metadata database to this Airflow's schema, where it isn't."""
    output.step("Airflow's metadata database")
    stamp, release = home.data / "updraft.migrated", version("apache-airflow-core")
    if stamp.exists() and stamp.read_text() == release:
        output(f"is of Airflow {release} already")
        return
    output("making its tables; this happens once")
    if components.run("migrate", "db", "migrate"):
        raise UpdraftError(
            f"the database can't be migrated: {components.tail('migrate')}",
            where=str(components.log("migrate")),
            fix="see its message above; RESET=1 begins with empty databases",
        )
    stamp.write_text(release)


def _start(components: Components, url: str, port: int, output: Output) -> None:
    """Start Airflow's processes and wait for the first page."""
    output.step("Airflow: API server, scheduler, DAG processor, triggerer")
    server = ("api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    components.start("api-server", *server)
    end = time.monotonic() + PATIENCE
    while not pages.answers(url):
        _refuse_an_end(components)
        if time.monotonic() > end:
            raise UpdraftError(
                f"there is no page after {PATIENCE:.0f} s: {components.tail('api-server')}",
                where=str(components.log("api-server")),
                fix="is the machine busy? run it again",
            )
        time.sleep(0.2)
    output(f"first page after {output.seconds:.0f} s")
    # Beside each other they would all be slow, and the page last.
    for name in ("dag-processor", "scheduler", "triggerer"):
        components.start(name, name)


def _refuse_an_end(components: Components) -> None:
    """Raise an error where one of the processes is no more."""
    ended = components.ended()
    if ended:
        name, code = ended
        raise UpdraftError(
            f"Airflow's {name} ended {described(code)}:\n{components.tail(name)}",
            where=str(components.log(name)),
            fix="see its last lines above; RESET=1 begins with empty databases",
        )


def _notice(url: str, folder: Path, home: Home) -> list[str]:
    return [
        f"Airflow    {url}  (no login; this machine alone reaches it)",
        f"DAGs       {folder}, read again when saved",
        f"databases  connections {' and '.join(EXAMPLES)}; kept until RESET=1 or make down",
        f"logs       {home.logs}",
        "end        Ctrl-C",
    ]


def _watch(components: Components, url: str, output: Output) -> None:
    """Tell which DAGs come and go, and what is wrong with a file, until the end."""
    api = AirflowApi(url, "anybody", "anything")
    known: set[str] = set()
    broken: dict[str, str] = {}
    while True:
        _refuse_an_end(components)
        names = {row["dag_id"] for row in api.dags()}
        errors = {row["filename"]: row["stack_trace"] for row in api.import_errors()}
        for line in pages.news(known, names, broken, errors):
            output(line)
        known, broken = names, errors
        time.sleep(PACE)
