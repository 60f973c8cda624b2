"""How fast a transfer is beside Airflow's own, and how much memory it takes as rows grow.

python -m tests.bench.transfer              # 300,000 rows, three times each; 100,000 and 10 million
python -m tests.bench.transfer --memory 100000 1000000
"""

# ruff: noqa: S608 -- its own names
from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from infra.root import ROOT
from updraft.testing.home import environment
from updraft.testing.postgres import Server, running

SOURCE, TARGET, FILE = "bench_source", "bench_target", "bench_file"

WIDE = (
    "id bigint PRIMARY KEY, customer text, amount numeric(12,2), placed_at timestamptz,"
    " details jsonb"
)
FILL_WIDE = """
    INSERT INTO orders SELECT g, 'customer ' || g % 1000, (g % 10000) / 100.0,
        timestamptz '2026-01-01' + g * interval '1 s',
        jsonb_build_object('sku', g % 50, 'tags', jsonb_build_array('a', 'b'))
    FROM generate_series(1, {rows}) g
"""

# Runs one transfer in a process of its own; prints its peak resident set before and after, in KiB.
# (The peak of getrusage is no use here: a new program inherits that of the one that started it.)
ALONE = """
import json, sys
from pathlib import Path
from updraft.transfer import CustomDataOperator
import psycopg, airflow.providers.postgres.hooks.postgres, airflow.providers.sqlite.hooks.sqlite
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
operator = CustomDataOperator(task_id="move", mode="replace", **json.loads(sys.argv[1]))
before = peak()
value = operator.execute.__wrapped__(operator, {})
print(json.dumps({"before": before, "peak": peak(), **value}))
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of wall time of each run, and CPU seconds of this process in the last."""

    ours: Sequence[float]
    generic: Sequence[float]
    cpu: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Our median by GenericTransfer's."""
        return statistics.median(self.ours) / statistics.median(self.generic)


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak resident set of a process that moved so many rows, in MiB, and its seconds."""

    rows: int
    before: float
    peak: float
    seconds: float


def connections(server: Server) -> dict[str, str]:
    """Return the variables that lead Airflow to both databases."""
    return {f"AIRFLOW_CONN_{name.upper()}": server.uri(name) for name in (SOURCE, TARGET)}


def compare(server: Server, rows: int, repeat: int) -> Speed:
    """Move the same rows by both operators, in turns, into an empty table each time."""
    from airflow.providers.common.sql.operators.generic_transfer import (  # noqa: PLC0415 -- heavy
        GenericTransfer,
    )

    from updraft.transfer import CustomDataOperator  # noqa: PLC0415 -- likewise

    source, target = server.create(SOURCE), server.create(TARGET)
    for database in (source, target):
        database.sql(f"DROP TABLE IF EXISTS orders; CREATE TABLE orders ({WIDE})")
    source.sql(FILL_WIDE.format(rows=rows))
    both: tuple[Any, Any] = (
        CustomDataOperator(
            task_id="ours", source_conn_id=SOURCE, target_conn_id=TARGET,
            source_table="orders", target_table="orders", mode="upsert", keys=["id"],
        ),
        GenericTransfer(
            task_id="generic", source_conn_id=SOURCE, destination_conn_id=TARGET,
            sql="SELECT * FROM orders", destination_table="orders",
        ),
    )  # fmt: skip
    seconds: tuple[list[float], list[float]] = ([], [])
    cpu = [0.0, 0.0]
    for _ in range(repeat):
        for index, operator in enumerate(both):
            target.sql("TRUNCATE orders")
            began, used = perf_counter(), process_time()
            operator.execute.__wrapped__(operator, {})
            seconds[index].append(perf_counter() - began)
            cpu[index] = process_time() - used
            assert target.sql("SELECT count(*) FROM orders") == [(rows,)]
    return Speed(*seconds, (cpu[0], cpu[1]))


def measure(server: Server, rows: int, home: Path, *, through_sqlite: bool = False) -> Memory:
    """Move narrow rows in a process of its own and take its peak memory.

    Args:
        server: Where the target is, and the source unless it is SQLite.
        rows: How many.
        home: A folder for the SQLite file.
        through_sqlite: Whether the source is SQLite, and so the path that of batches.
    """
    source, target = server.create(SOURCE), server.create(TARGET)
    conn_id = FILE if through_sqlite else SOURCE
    if through_sqlite:
        with closing(sqlite3.connect(home / "bench.db")) as file, file:
            file.execute("DROP TABLE IF EXISTS narrow")
            file.execute("CREATE TABLE narrow (id INTEGER, label TEXT)")
            file.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                " INSERT INTO narrow SELECT i, 'label ' || i % 100 FROM n",
                (rows,),
            )
    else:
        source.sql(
            "DROP TABLE IF EXISTS narrow; CREATE UNLOGGED TABLE narrow AS"
            " SELECT g::bigint AS id, 'label ' || g % 100 AS label"
            f" FROM generate_series(1, {rows}) g"
        )
    target.sql("DROP TABLE IF EXISTS narrow; CREATE UNLOGGED TABLE narrow (id bigint, label text)")
    options = {"source_conn_id": conn_id, "target_conn_id": TARGET}
    options |= {"source_table": "narrow", "target_table": "narrow"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(options)],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operators'}",
            **connections(server),
            f"AIRFLOW_CONN_{FILE.upper()}": json.dumps(
                {"conn_type": "sqlite", "host": str(home / "bench.db")}
            ),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"] == rows
    assert target.sql("SELECT count(*), max(id) FROM narrow") == [(rows, rows)]
    for database in (source, target):
        database.sql("DROP TABLE IF EXISTS narrow")
    return Memory(rows, found["before"] / 1024, found["peak"] / 1024, found["seconds"])


def show_speed(rows: int, speed: Speed) -> None:
    """Print both operators' seconds, and their ratio."""
    print(f"{rows:,} rows of 5 columns with a jsonb, PostgreSQL to PostgreSQL, seconds:")
    for name, seconds, cpu in (
        ("CustomDataOperator", speed.ours, speed.cpu[0]),
        ("GenericTransfer", speed.generic, speed.cpu[1]),
    ):
        listed = ", ".join(f"{each:.2f}" for each in seconds)
        print(f"  {name:20} {statistics.median(seconds):6.2f}  ({listed}; CPU here {cpu:.2f})")
    print(f"  ratio                {speed.ratio:6.2f}")


def show_memory(what: str, few: Memory, many: Memory) -> None:
    """Print the peaks of few rows and of many, and their ratio."""
    print(f"peak memory, {what}, MiB:")
    for each in (few, many):
        print(
            f"  {each.rows:>12,} rows  {each.peak:7.1f}, of which {each.peak - each.before:.1f}"
            f" while moving, {each.seconds:.1f} s"
        )
    print(f"  ratio              {many.peak / few.peak:7.2f}")


def main() -> None:
    """Measure with a server of its own, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transfer")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs=2, default=(100_000, 10_000_000))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running() as server:
        home = Path(folder)
        os.environ.update(environment(home / "airflow") | connections(server))
        # GenericTransfer writes a line for every thousand rows.
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
        show_speed(options.rows, compare(server, options.rows, options.repeat))
        few, many = options.memory
        for lite, what in ((False, "PostgreSQL to PostgreSQL"), (True, "SQLite to PostgreSQL")):
            peaks = [measure(server, rows, home, through_sqlite=lite) for rows in (few, many)]
            show_memory(what, *peaks)


if __name__ == "__main__":
    main()
