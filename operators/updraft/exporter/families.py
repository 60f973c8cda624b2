"""Prometheus' metrics from the database's answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from updraft.exporter.queries import COMPONENTS, UNFINISHED

Row = tuple[Any, ...]
Answers = Mapping[str, list[Row]]
_Sample = tuple[tuple[str, ...], float]


def gauge(name: str, text: str, labels: Iterable[str], samples: Iterable[_Sample]) -> Metric:
    """Return a gauge: each sample is its labels' values and a number."""
    family = GaugeMetricFamily(f"updraft_{name}", text, labels=list(labels))
    for values, number in samples:
        family.add_metric(list(values), number)
    return family


def single(name: str, text: str, number: float) -> Metric:
    """Return a gauge without labels."""
    return gauge(name, text, (), [((), number)])


def _counter(name: str, text: str, labels: Iterable[str], samples: Iterable[_Sample]) -> Metric:
    family = CounterMetricFamily(f"updraft_{name}", text, labels=list(labels))
    for values, number in samples:
        family.add_metric(list(values), number)
    return family


def tasks(answers: Answers) -> Iterator[Metric]:
    """Unfinished task instances, and how long the oldest has been queued."""
    rows = answers["tasks"]
    counts: Counter[str] = Counter()
    for state, _, count, _, _ in rows:
        counts[state] += count
    yield gauge(
        "task_instances",
        "Task instances that are not finished, by state.",
        ["state"],
        [((state,), counts[state]) for state in UNFINISHED],
    )
    waits = [age for state, *_, age in rows if state == "queued" and age is not None]
    yield single(
        "oldest_queued_seconds",
        "How long the task that was queued first has been so.",
        max(waits, default=0),
    )


def pools(answers: Answers) -> Iterator[Metric]:
    """Slots of each pool, as Airflow itself counts them."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for state, pool, _, slots, _ in answers["tasks"]:
        used[pool][state] += slots or 0
    samples: list[_Sample] = []
    for pool, slots, include_deferred in answers["pools"]:
        total = float("inf") if slots < 0 else float(slots)
        taken = used[pool]["queued"] + used[pool]["running"]
        taken += used[pool]["deferred"] if include_deferred else 0
        numbers = {"total": total, "open": total - taken}
        numbers |= {state: used[pool][state] for state in ("queued", "running", "deferred")}
        samples += [((pool, state), number) for state, number in numbers.items()]
    yield gauge("pool_slots", "Slots of a pool, by state.", ["pool", "state"], samples)


def components(answers: Answers) -> Iterator[Metric]:
    """Heartbeats of Airflow's components."""
    rows = [(COMPONENTS[job], age, alive) for job, age, alive in answers["jobs"]]
    yield gauge(
        "component_heartbeat_age_seconds",
        "How long ago a component's latest heartbeat was.",
        ["component"],
        [((component,), age) for component, age, _ in rows if age is not None],
    )
    alive = {component: count for component, _, count in rows}
    yield gauge(
        "component_instances",
        "Instances of a component with a fresh heartbeat.",
        ["component"],
        [((component,), alive.get(component, 0)) for component in COMPONENTS.values()],
    )


def errors(answers: Answers) -> Iterator[Metric]:
    """DAG files that can't be imported."""
    yield single("import_errors", "DAG files that can't be imported.", answers["errors"][0][0])


def bundles(answers: Answers) -> Iterator[Metric]:
    """Where DAGs come from, and their commits."""
    rows = answers["bundles"]
    yield gauge(
        "dag_bundle_refresh_age_seconds",
        "How long ago a bundle of DAGs was last refreshed.",
        ["bundle"],
        [((name,), age) for name, age, _ in rows if age is not None],
    )
    yield gauge(
        "dag_bundle_info",
        "The commit of a bundle's newest DAGs.",
        ["bundle", "commit"],
        [((name, version), 1) for name, _, version in rows if version],
    )


def dags(answers: Answers) -> Iterator[Metric]:
    """DAGs that there are."""
    counts: dict[bool, int] = dict(answers["dags"])
    yield gauge(
        "dags",
        "DAGs, by whether they are paused.",
        ["paused"],
        [((str(paused).lower(),), counts.get(paused, 0)) for paused in (True, False)],
    )


def size(answers: Answers) -> Iterator[Metric]:
    """What PostgreSQL counts of this database."""
    for total, most, committed, rolled_back, hit, read, deadlocks in answers["size"]:
        yield single("database_size_bytes", "Size of the metadata database.", total)
        yield single("database_connections_max", "Connections that the server allows.", most)
        yield _counter(
            "database_transactions",
            "Transactions, by their end.",
            ["result"],
            [(("committed",), committed), (("rolled_back",), rolled_back)],
        )
        yield _counter(
            "database_blocks",
            "Blocks read, by where they were.",
            ["source"],
            [(("cache",), hit), (("disk",), read)],
        )
        yield _counter("database_deadlocks", "Deadlocks.", (), [((), deadlocks)])


def sessions(answers: Answers) -> Iterator[Metric]:
    """Who is connected, and for how long in one transaction."""
    rows = answers["sessions"]
    yield gauge(
        "database_connections",
        "Connections to the metadata database, by state.",
        ["state"],
        [((state,), count) for state, count, _ in rows],
    )
    yield single(
        "database_oldest_transaction_seconds",
        "How long the oldest transaction has been open.",
        max((age for *_, age in rows if age is not None), default=0),
    )


def tables(answers: Answers) -> Iterator[Metric]:
    """The largest tables."""
    rows = answers["tables"]
    for column, name, text in (
        (1, "size_bytes", "Size with indexes"),
        (2, "dead_rows", "Dead rows"),
    ):
        yield gauge(
            f"table_{name}",
            f"{text} of each of the largest tables.",
            ["table"],
            [((row[0],), row[column]) for row in rows],
        )


# What each needs the answers to.
_MAKERS: tuple[tuple[set[str], Callable[[Answers], Iterator[Metric]]], ...] = (
    ({"tasks"}, tasks),
    ({"tasks", "pools"}, pools),
    ({"jobs"}, components),
    ({"errors"}, errors),
    ({"bundles"}, bundles),
    ({"dags"}, dags),
    ({"size"}, size),
    ({"sessions"}, sessions),
    ({"tables"}, tables),
)


def families(answers: Answers) -> list[Metric]:
    """Return the metrics for which there are answers: no answer, no metric."""
    return [
        family for needed, maker in _MAKERS if needed <= answers.keys() for family in maker(answers)
    ]
