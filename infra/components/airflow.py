"""Airflow itself: its chart as a Helm release, after the migration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from infra import versions
from infra.settings import Settings
from infra.values import links, names
from infra.values.airflow import values
from infra.values.image import ImageReference

# Seconds for all pods to be ready, pulling the image on every node included.
_TIMEOUT = 900
_EMBEDDED = (
    "The EMBEDDED chart is in use, not Airflow's official one: it is meant for machines that can't "
    "reach the official chart. Leave updraft:chart.path out to use the official chart."
)


@dataclass(frozen=True)
class AirflowArgs:
    """The settings, the image, the folder that a chart's path is relative to, what comes before."""

    settings: Settings
    image: pulumi.Output[ImageReference]
    root: Path
    after: list[pulumi.Resource]


class Airflow(pulumi.ComponentResource):
    """The release; `url` is the API server's address inside the cluster."""

    def __init__(
        self, name: str, args: AirflowArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Airflow", name, None, opts)
        settings = args.settings
        chart = settings.chart
        source: dict[str, Any] = {
            "chart": versions.CHART_NAME,
            "version": chart.version,
            "repository_opts": {"repo": chart.repository},
        }
        if chart.path:
            path = (args.root / Path(chart.path).expanduser()).resolve()
            if path == args.root / "infra" / "chart":
                pulumi.log.warn(_EMBEDDED)
            source = {"chart": str(path)}
        elif chart.repository.startswith("oci://"):
            address = f"{chart.repository.rstrip('/')}/{versions.CHART_NAME}"
            source = {"chart": address, "version": chart.version}
        self.release = kubernetes.helm.v3.Release(
            f"{name}-release",
            name=names.RELEASE,
            namespace=settings.namespaces.airflow,
            values=args.image.apply(lambda image: values(settings, image)),
            skip_await=False,
            timeout=_TIMEOUT,
            # A migrated database stays migrated: going back to the old pods by itself would run
            # them on a schema that they don't know.
            atomic=False,
            max_history=5,
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.after),
            **source,
        )
        self.url = links.ui(settings)
        self.register_outputs({"url": self.url})
