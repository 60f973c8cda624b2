"""`make rightsize`: for each task what it asks for, what its tries took, and what it should ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple

from rich.markup import escape
from rich.table import Table

from infra.cli import loki, report, sizing, usage
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.sizing import MIB, Advice, Prices
from infra.errors import UpdraftError
from infra.settings import Settings
from infra.values import sizes

FORMATS = ("table", "json")
# Each task has two lines, CPU above memory.
NUMBERS = ("tries", "", "asks", "limit", "p50", "p95", "most", "ask", "new limit")


def rightsize(options: Options, dag: str | None, days: str, format: str) -> None:  # noqa: A002 -- FORMAT=
    """Print what each task should ask for."""
    back = _days(days)
    if format not in FORMATS:
        raise UpdraftError(f'FORMAT is "{format}"', fix=f"allowed: {', '.join(FORMATS)}")
    platform = Platform.recorded(options)
    settings = platform.settings
    with loki.port_forward(platform) as url:
        tries = usage.tries(url, settings.namespaces.tasks, back, dag or "")
    if not tries:
        raise UpdraftError(
            f"no task{f' of {dag}' if dag else ''} has told what it took in the last {back:g} days",
            where=f'Loki, {{k8s_namespace_name="{settings.namespaces.tasks}"}} |= "{usage.EVENT}"',
            fix="run it (make trigger DAG=name), or look further back with DAYS=30",
        )
    advice = advise(settings, tries, back)
    if format == "json":
        print(as_json(advice, settings, back))
    else:
        console = report.terminal()
        console.print(table(advice, f"last {back:g} days"))
        console.print(summary(advice, settings.monitoring.cost.currency))


def advise(settings: Settings, tries: Sequence[sizing.Try], days: float) -> list[Advice]:
    """Return the advice by a stack's sizes and prices."""
    cost = settings.monitoring.cost
    prices = Prices(cost.cpu_hour, cost.memory_gib_hour)
    return sizing.advise(tries, sizes.sizes(settings), prices, days)


def as_json(advice: Sequence[Advice], settings: Settings, days: float) -> str:
    """Return the advice as JSON: cores, bytes, and the currency of the prices."""
    return json.dumps(
        {
            "days": days,
            "currency": settings.monitoring.cost.currency,
            "tasks": [asdict(each) for each in advice],
        },
        indent=2,
        ensure_ascii=False,
    )


def table(advice: Sequence[Advice], title: str) -> Table:
    """Return the advice: for each task a line of cores and one of MiB."""
    shown = Table(title=f"what tasks took · {title}", title_justify="left", show_lines=True)
    shown.add_column("DAG and task", overflow="fold")
    for name in NUMBERS:
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("size, and how sure", overflow="fold")
    for each in advice:
        given, colour = each.given, "green" if each.sure else "yellow"
        took = zip(astuple(each.cores), astuple(each.memory), strict=True)
        shown.add_row(
            f"{escape(each.dag_id)}\n  {escape(each.task_id)}",
            str(each.tries),
            "cores\nMiB",
            _pair(given.get("cpu_request"), given.get("memory_request")),
            _pair(given.get("cpu_limit"), given.get("memory_limit")),
            *(_pair(cores, memory) for cores, memory in took),
            f"[bold]{_pair(each.cpu_request, each.memory_request)}[/]",
            f"[bold]{_pair(None, each.memory_limit)}[/]",
            f"{each.size or 'no size fits'}\n[{colour}]{each.sureness}[/]",
        )
    return shown


def summary(advice: Sequence[Advice], currency: str) -> str:
    """Return what would be saved by what is sure, and by all of it."""
    sure = sum(each.saved_month or 0 for each in advice if each.sure)
    every = sum(each.saved_month or 0 for each in advice)
    return (
        f"asking for it saves {sure:.2f} {currency} a month where it is sure, {every:.2f} in all "
        "(less than 0: more is needed); docs/howto/rightsize.md tells how to read this"
    )


def _pair(cores: float | None, memory: float | None) -> str:
    upper = "-" if cores is None else f"{cores:.2f}"
    lower = "-" if memory is None else f"{memory / MIB:.0f}"
    return f"{upper}\n{lower}"


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0
    # Loki's own longest question.
    if 0 < days <= 30:  # noqa: PLR2004
        return days
    raise UpdraftError(f'DAYS is "{text}"', fix="a number of days up to 30")
