"""Which chart deploys Airflow: the one named, else the official one if in reach, else ours."""

from __future__ import annotations

import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra import versions
from infra.cli.choices import EMBEDDED, OFFICIAL
from infra.errors import UpdraftError
from infra.local.shell import run
from infra.root import ROOT

EMBEDDED_PATH = ROOT / "infra" / "chart"
MARK = "updraft.dev/embedded"
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class FoundChart:
    """A chart on this machine."""

    path: Path
    kind: str
    version: str


def inspect(path: Path) -> FoundChart:
    """What the chart of a folder or .tgz is.

    Raises:
        UpdraftError: It isn't a chart, or not Airflow's.
    """
    fix = "AIRFLOW_CHART names a folder with Chart.yaml, or a .tgz, of the chart airflow"
    if not path.exists():
        raise UpdraftError("there is no chart here", where=str(path), fix=fix)
    try:
        text = _archived(path) if path.is_file() else (path / "Chart.yaml").read_text()
        described: dict[str, Any] = yaml.safe_load(text)
        name, version = str(described["name"]), str(described["version"])
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise UpdraftError(f"this is not a chart: {error!r}", where=str(path), fix=fix) from error
    if name != versions.CHART_NAME:
        raise UpdraftError(f"this is the chart of {name}, not airflow", where=str(path), fix=fix)
    ours = str((described.get("annotations") or {}).get(MARK)) == "true"
    return FoundChart(path=path, kind=EMBEDDED if ours else OFFICIAL, version=version)


def _archived(path: Path) -> str:
    """Chart.yaml of an archived chart: the shortest path that ends so is the chart's own."""
    with tarfile.open(path) as archive:
        names = [name for name in archive.getnames() if name.endswith("/Chart.yaml")]
        member = archive.extractfile(min(names, key=len)) if names else None
        if member is None:
            raise UpdraftError("this archive holds no Chart.yaml", where=str(path))
        return member.read().decode()


def repository_reachable() -> bool:
    """Whether the official chart's repository answers."""
    url = f"{versions.CHART_REPOSITORY}/index.yaml"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 -- https, pinned
            return bool(answer.read(1))
    except (urllib.error.URLError, OSError):
        return False


def fetch_official(helm: Path, cache: Path) -> FoundChart:
    """The official chart at its pinned version, pulled once.

    Raises:
        UpdraftError: helm can't pull it.
    """
    target = cache / "charts" / f"{versions.CHART_NAME}-{versions.CHART}.tgz"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        run(
            *(helm, "pull", versions.CHART_NAME, "--repo", versions.CHART_REPOSITORY),
            *("--version", versions.CHART, "--destination", target.parent),
            fix="try again, or name a copy: AIRFLOW_CHART=/path/to/airflow.tgz",
        )
    return inspect(target)
