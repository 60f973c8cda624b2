"""The components whose logs `make logs LOG=…` prints, each found by its pods' labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.values import database, git_server, names
from infra.values.monitoring import server


@dataclass(frozen=True, slots=True)
class Component:
    """A component: whatever kind of workload it is, its pods bear the labels.

    Args:
        labels: Of its pods.
        container: Whose log it is.
        space: The namespace, by its name among the settings.
    """

    labels: Mapping[str, str] = field(hash=False)
    container: str
    space: Literal["airflow", "monitoring"] = "airflow"

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels is of it."""
        return self.labels.items() <= labels.items()


def _airflow(name: str, container: str = "") -> Component:
    """A component of either chart."""
    labels = {"tier": "airflow", "component": name, "release": names.RELEASE}
    return Component(labels, container or name)


def _watching(name: str) -> Component:
    return Component(server.labels(name), name, "monitoring")


COMPONENTS = {
    "scheduler": _airflow("scheduler"),
    "api-server": _airflow("api-server"),
    "dag-processor": _airflow("dag-processor"),
    "git-sync": _airflow("dag-processor", "git-sync"),
    "triggerer": _airflow("triggerer"),
    "triggerer-git-sync": _airflow("triggerer", "git-sync"),
    "postgresql": Component(database.labels(), names.POSTGRESQL),
    "git": Component(git_server.labels(), names.GIT),
    names.AIRFLOW_EXPORTER: Component(
        server.labels(names.AIRFLOW_EXPORTER), names.AIRFLOW_EXPORTER
    ),
    **{
        name: _watching(name)
        for name in (
            names.STATSD_EXPORTER,
            names.KUBE_STATE_METRICS,
            names.PROMETHEUS,
            names.ALERTMANAGER,
            names.LOKI,
            names.COLLECTOR,
        )
    },
}


def pods_of(platform: Platform, name: str) -> list[dict[str, Any]]:
    """The pods of a component.

    Raises:
        UpdraftError: It is none, or has none here; what there is is named.
    """
    pods = {
        space: platform.kubectl.items("pods", "-n", getattr(platform.settings.namespaces, space))
        for space in ("airflow", "monitoring")
    }
    found = {
        known: [
            pod for pod in pods[each.space] if each.selects(pod["metadata"].get("labels") or {})
        ]
        for known, each in COMPONENTS.items()
    }
    if found.get(name):
        return found[name]
    there = ", ".join(known for known, own in found.items() if own)
    what = f"no pod of {name} is here" if name in COMPONENTS else f'there is no component "{name}"'
    raise UpdraftError(
        what,
        where=f"instance {platform.paths.instance}",
        fix=f"LOG is one of {there}" if there else "make up starts them",
    )
