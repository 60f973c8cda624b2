"""Decide what make up uses: what is recorded, else what was asked for, else what is there."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import versions
from infra.cli import charts
from infra.cli.choices import EMBEDDED, OFFICIAL, PULUMI, Choices, refuse_change
from infra.cli.options import DEFAULT_STACK, DEFAULT_UI_PORT, Options
from infra.deploy import pulumi
from infra.output import Print


def choose(options: Options, recorded: Choices | None) -> Choices:
    """The choices of this run.

    Raises:
        UpdraftError: The chart isn't one, or a recorded choice would change.
    """
    if recorded is None:
        return _first(options)
    asked = dataclasses.replace(
        recorded.with_set(options.overrides),
        context=_or(options.context, recorded.context),
        engine=_or(options.engine, recorded.engine),
        stack=_or(options.stack, recorded.stack),
        registry=_or(options.registry, recorded.registry),
        ui_port=options.ui_port or recorded.ui_port,
    )
    if options.airflow_chart:
        found = charts.inspect(options.airflow_chart)
        asked = dataclasses.replace(asked, chart=found.kind, chart_path=str(found.path))
    elif recorded.chart_path:
        charts.inspect(Path(recorded.chart_path))
    refuse_change(recorded, asked)
    return asked


def tell_dropped(output: Print, recorded: Choices | None, chosen: Choices) -> None:
    """Tell the keys of an earlier SET that a new one has dropped: it replaces the whole of it.

    Not their values, some of which are secrets.
    """
    before = _keys(recorded.overrides) if recorded else []
    kept = _keys(chosen.overrides)
    gone = [key for key in before if key not in kept]
    if gone:
        output(f"no longer set: {', '.join(gone)}")


def _keys(settings: Mapping[str, Any], path: str = "") -> list[str]:
    """The keys of settings, each by its whole path."""
    found: list[str] = []
    for key, value in settings.items():
        at = f"{path}.{key}" if path else key
        found += _keys(value, at) if isinstance(value, Mapping) and value else [at]
    return found


def _or(asked: str | None, recorded: str) -> str:
    return recorded if asked is None else asked


def _first(options: Options) -> Choices:
    kind, path = _chart(options)
    return Choices(
        context=options.context or "",
        engine=options.engine or available_engine(),
        chart=kind,
        chart_path=path,
        stack=options.stack or DEFAULT_STACK,
        registry=options.registry or "",
        ui_port=options.ui_port or DEFAULT_UI_PORT,
        overrides=options.overrides or {},
        made_by=versions.UPDRAFT,
    )


def _chart(options: Options) -> tuple[str, str]:
    """The chart's kind and path; no path yet for the official one, which a later step pulls."""
    if options.airflow_chart:
        found = charts.inspect(options.airflow_chart)
        return found.kind, str(found.path)
    if charts.repository_reachable():
        return OFFICIAL, ""
    return EMBEDDED, str(charts.EMBEDDED_PATH)


def available_engine() -> str:
    """Pulumi where all of it is on PATH, else the embedded engine."""
    return PULUMI if all(shutil.which(program) for program in pulumi.PROGRAMS) else EMBEDDED
