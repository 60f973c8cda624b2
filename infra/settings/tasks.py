"""Task pods: the quota that they share, and the sizes that a task can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.settings.airflow_options import OptionName
from infra.settings.base import Area, Resources, Toleration, resources
from infra.settings.grammar.kubernetes import (
    MOST_PODS,
    Annotations,
    Cpu,
    Label,
    Memory,
    NodeSelector,
    ObjectName,
    Storage,
    amount,
)


class Quota(Area):
    """What all task pods together may take; more waits."""

    pods: Annotated[int, Field(ge=1, le=MOST_PODS)] = Field(32, description="Pods at once.")
    cpu: Cpu = Field("16", description="Sum of CPU requests.")
    memory: Memory = Field("32Gi", description="Sum of memory limits.")
    ephemeral_storage: Storage | None = Field(
        None, description="Sum of ephemeral storage requests."
    )


class Spot(Area):
    """Nodes that the cloud may take away."""

    node_selector: NodeSelector = Field(default_factory=dict, description="Labels of the nodes.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that are tolerated.")


class Tasks(Area):
    """Task pods."""

    quota: Quota = Field(default_factory=Quota, description="Quota of their namespace.")
    resources: Resources = Field(
        default_factory=lambda: resources(("250m", "256Mi"), ("1", "512Mi")),
        description="Of a task that does not ask for its own.",
    )
    sizes: Mapping[Label, Resources] = Field(
        default_factory=dict,
        description="Sizes that a task can ask for, {name: {requests, limits}}; if there are none, "
        "small, medium and large: `resources`, and multiples of it up to the quota.",
    )
    spot: Spot = Field(
        default_factory=Spot,
        description="Nodes that may vanish, for tasks that ask for them; added to what follows.",
    )
    scratch_storage_class: ObjectName | None = Field(
        None,
        description="StorageClass of the scratch volumes that tasks ask for; the node's own disk "
        "if it is not set.",
    )
    parallelism: Annotated[int, Field(ge=1, le=MOST_PODS)] | None = Field(
        None, description="Tasks at once for a scheduler; quota.pods if it is not set."
    )
    keep_finished_pods: Annotated[int, Field(ge=0, le=10080)] = Field(
        60,
        description="Minutes for which finished pods stay, looked for every 10 minutes; 0 deletes "
        "them at once.",
    )
    config: tuple[OptionName, ...] = Field(
        (),
        description="Options of airflow.config, as section.option, that tasks get besides those of "
        "sections that a task reads and that hold no secret; DAG authors can read them.",
    )
    node_selector: NodeSelector = Field(default_factory=dict, description="Labels of the nodes.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that are tolerated.")
    service_account_annotations: Annotations = Field(
        default_factory=dict, description="Annotations of the ServiceAccount (workload identity)."
    )

    @model_validator(mode="after")
    def _each_fits(self) -> Self:
        given = {f'sizes."{name}"': size for name, size in self.sizes.items()}
        for name, asked in {"resources": self.resources, **given}.items():
            if amount(asked.requests.cpu) > amount(self.quota.cpu):
                raise ValueError(f"a quota.cpu that one task's {name}.requests.cpu fits into")
            if amount(asked.limits.memory) > amount(self.quota.memory):
                raise ValueError(f"a quota.memory that one task's {name}.limits.memory fits into")
        return self
