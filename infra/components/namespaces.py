"""The three namespaces, each under Pod Security `restricted`, and a PriorityClass for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.errors import StackError
from infra.components.objects import declare
from infra.settings import Settings
from infra.values import names

# A node under pressure gives up tasks first and the control plane last.
_PRIORITIES = (
    (names.PRIORITY_CONTROL_PLANE, 100_000, "Airflow's control plane and its database"),
    (names.PRIORITY_MONITORING, 50_000, "Monitoring of Airflow"),
    (names.PRIORITY_TASKS, 1_000, "Airflow's task pods"),
)


@dataclass(frozen=True)
class NamespacesArgs:
    """The stack's settings."""

    settings: Settings


class Namespaces(pulumi.ComponentResource):
    """Namespaces and priorities; everything else depends on them.

    `airflow`, `tasks` and `monitoring` are what an object in that namespace comes after: the
    namespace, or nothing where the settings say that it is there already. Where the platform is in
    a namespace of another name, nothing comes after it.
    """

    def __init__(
        self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Namespaces", name, None, opts)
        chosen = args.settings.namespaces
        self._create = chosen.create
        self.airflow = self._namespace(f"{name}-airflow", chosen.airflow)
        self.tasks = self._namespace(f"{name}-tasks", chosen.tasks)
        self.monitoring = self._namespace(f"{name}-monitoring", chosen.monitoring)
        self.priorities = [
            self._priority(
                f"{name}-{role}", names.of_platform(args.settings, role), value, description
            )
            for role, value, description in _PRIORITIES
        ]
        self.register_outputs({})

    def _namespace(self, resource: str, name: str) -> list[pulumi.Input[pulumi.Resource]]:
        if not self._create:
            return []
        levels = {
            f"pod-security.kubernetes.io/{mode}": "restricted"
            for mode in ("enforce", "audit", "warn")
        }
        labels = {"app.kubernetes.io/part-of": "updraft", **levels}
        manifest = {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        options = pulumi.ResourceOptions(
            parent=self,
            # Its deletion would take along what others have put there, and what is to be kept.
            retain_on_delete=True,
            # So that the name that it has is known, and compared.
            ignore_changes=["metadata.name"],
        )
        made = declare(resource, manifest, options)

        def unmoved(metadata: Any) -> pulumi.Resource:
            if metadata.name != name:
                raise _refusal(metadata.name, name)
            return made

        known: pulumi.Output[Any] = made.metadata  # type: ignore[attr-defined]
        return [known.apply(unmoved)]

    def _priority(
        self, resource: str, name: str, value: int, description: str
    ) -> pulumi.CustomResource:
        manifest = {
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": description,
            "globalDefault": False,
        }
        return declare(resource, manifest, pulumi.ResourceOptions(parent=self))


def _refusal(there: str, wanted: str) -> StackError:
    return StackError(
        f"the platform is in the namespace {there}, and can't be moved to {wanted}: both would run "
        "on the same database",
        where="updraft:namespaces",
        fix=f"name {there} again; or destroy the platform, then deploy it with the new names; or "
        "use a second stack for a second platform",
    )
