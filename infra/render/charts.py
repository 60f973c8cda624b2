"""A chart's folder as Helm takes it: without dependencies that it lacks and that are off anyway.

Helm refuses a folder whose dependencies aren't in `charts/`, even where a value switches them off.
A checkout of the official chart is such a folder: its database comes from a registry of charts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.errors import UpdraftError


def metadata(chart: Path) -> dict[str, Any]:
    """Return what a chart's folder says of itself in Chart.yaml.

    Raises:
        UpdraftError: The folder isn't a chart.
    """
    path = chart / "Chart.yaml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        found = None
    if not isinstance(found, dict) or "name" not in found:
        raise UpdraftError(
            "this isn't a Helm chart",
            where=str(path),
            fix="give the folder that holds Chart.yaml, or the .tgz of a chart",
        )
    return found


def complete(chart: Path, values: Mapping[str, Any], folder: Path) -> Path:
    """Return the chart itself, or a copy below `folder` without the dependencies that it lacks.

    Args:
        chart: A chart's folder or archive.
        values: Its values.
        folder: Where a copy goes.

    Raises:
        UpdraftError: A dependency is missing that the values don't switch off.
    """
    if chart.is_file():
        return chart
    about = metadata(chart)
    missing = list(_missing(chart, about.get("dependencies") or []))
    if not missing:
        return chart
    for one in missing:
        if not _is_off(one, values):
            raise UpdraftError(
                f"the chart lacks its dependency {one['name']}",
                where=str(chart / "charts"),
                fix=f"run `helm dependency build {chart}`",
            )
    copy = folder / chart.name
    shutil.copytree(chart, copy)
    (copy / "Chart.lock").unlink(missing_ok=True)
    rest = [one for one in about["dependencies"] if one not in missing]
    text = yaml.safe_dump({**about, "dependencies": rest}, sort_keys=False)
    (copy / "Chart.yaml").write_text(text, encoding="utf-8")
    return copy


def _missing(chart: Path, dependencies: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    there = [path.name for path in (chart / "charts").glob("*")]
    for one in dependencies:
        if not any(name == one["name"] or name.startswith(f"{one['name']}-") for name in there):
            yield one


def _is_off(dependency: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    value: Any = values
    for key in str(dependency.get("condition", "")).split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is False
