"""Which cluster, and which namespaces in it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from infra.settings.base import Area, Flag, Toleration
from infra.settings.grammar.kubernetes import NamespaceName, NodeSelector, ObjectName
from infra.settings.grammar.text import Line


class Cluster(Area):
    """The cluster, always named: the context that happens to be current is never used."""

    context: Line = Field(description="Name of the context in the kubeconfig.")
    kubeconfig: Line | None = Field(
        None, description="Path of the kubeconfig; kubectl's usual place if it is not set."
    )


class Namespaces(Area):
    """The three namespaces."""

    airflow: NamespaceName = Field("airflow", description="Control plane.")
    tasks: NamespaceName = Field("airflow-tasks", description="Task pods, and nothing else.")
    monitoring: NamespaceName = Field("airflow-monitoring", description="Monitoring.")
    create: Flag = Field(
        True,
        description="Make them, under Pod Security `restricted`. false uses three that are there, "
        "and neither changes nor deletes them.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({self.airflow, self.tasks, self.monitoring}) < 3:  # noqa: PLR2004
            raise ValueError("three different names, since quota and policy are set for each")
        return self


class Scheduling(Area):
    """Where the control plane and its volumes go."""

    node_selector: NodeSelector = Field(default_factory=dict, description="Labels of the nodes.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that are tolerated.")
    storage_class: ObjectName | None = Field(
        None, description="StorageClass of every volume; the cluster's default if it is not set."
    )
