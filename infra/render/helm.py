"""A Helm release as the objects that it would install."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.errors import UpdraftError
from infra.render.charts import complete

HONOURED = frozenset(
    {
        "name", "namespace", "chart", "version", "values", "repositoryOpts", "skipCrds",
        # How Helm goes about it, not what it installs:
        "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "disableWebhooks",
        "disableCRDHooks", "forceUpdate", "lint", "maxHistory", "recreatePods", "skipAwait",
        "timeout", "waitForJobs", "compat", "allowNullValues", "replace", "resetValues",
        "reuseValues", "description",
    }
)  # fmt: skip


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Helm reads it: a date stays text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def template(
    inputs: Mapping[str, Any], *, helm: Path, folder: Path, kubernetes: str
) -> list[dict[str, Any]]:
    """Return the objects of a release, without hooks.

    Args:
        inputs: The inputs of a `kubernetes:helm.sh/v3:Release`.
        helm: The program.
        folder: What a relative path of a chart is relative to.
        kubernetes: The version of Kubernetes that the chart may ask for.

    Raises:
        UpdraftError: An input that render doesn't honour, or helm refuses chart or values.
    """
    unknown = sorted(set(inputs) - HONOURED)
    if unknown:
        raise UpdraftError(
            f"render doesn't honour {', '.join(unknown)} of a Helm release",
            where=f"release {inputs.get('name')}",
        )
    with tempfile.TemporaryDirectory(prefix="updraft-chart-") as scratch:
        text = _run(inputs, _chart(inputs, folder, Path(scratch)), helm=helm, kubernetes=kubernetes)
    return [each for each in yaml.load_all(text, Loader) if each]


def _run(inputs: Mapping[str, Any], chart: list[str], *, helm: Path, kubernetes: str) -> str:
    values = json.dumps(inputs.get("values", {}))
    command = [
        str(helm), "template", inputs["name"], *chart,
        "--namespace", inputs["namespace"], "--kube-version", kubernetes, "--no-hooks",
        "--values", "-", *([] if inputs.get("skipCrds") else ["--include-crds"]),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, input=values, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UpdraftError(f"helm can't be started: {error.strerror}", where=str(helm)) from error
    if done.returncode != 0:
        fix = "see the settings under chart: the values go with the chart of the pinned version"
        if "cannot be reached" in done.stderr:
            fix = "name a copy of the chart on this machine: AIRFLOW_CHART=, or chart.path"
        raise UpdraftError(
            f"helm refuses the release: {done.stderr.strip()}",
            where=f"release {inputs['name']}, chart {inputs['chart']}",
            fix=fix,
        )
    return done.stdout


def _chart(inputs: Mapping[str, Any], folder: Path, scratch: Path) -> list[str]:
    chart = str(inputs["chart"])
    repository = (inputs.get("repositoryOpts") or {}).get("repo")
    version = ["--version", str(inputs["version"])] if inputs.get("version") else []
    if repository:
        return [chart, "--repo", repository, *version]
    if chart.startswith("oci://"):
        return [chart, *version]
    path = (folder / chart).resolve()
    if not path.exists():
        raise UpdraftError(
            "there is no chart at this path",
            where=str(path),
            fix="give a chart's folder or its .tgz",
        )
    return [str(complete(path, inputs.get("values", {}), scratch))]
