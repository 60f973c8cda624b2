"""What the cluster has of the platform and Pulumi's state lacks, imported into the state."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.deploy import kept_keys, live
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import Engine
from infra.deploy.pulumi_state import Import, State, identity, import_file, urn
from infra.keystore import KeyStore
from infra.render.program import record
from infra.render.resource import RELEASE, Resource
from infra.settings import PROJECT, load
from infra.values import names

Config = Mapping[str, object]


@dataclass(frozen=True)
class Lacking:
    """What a stack's program declares and its state lacks.

    Args:
        resources: The whole program's, in order of registration.
        stack: The stack's name.
        urns: URNs that the state has.
    """

    resources: Sequence[Resource]
    stack: str
    urns: frozenset[str]

    @classmethod
    def of(cls, engine: Engine, state: State) -> Lacking:
        """Return it for an engine's stack; the program is run without drawing keys to keep."""
        with tempfile.TemporaryDirectory(prefix="updraft-adopt-") as scratch:
            keys = KeyStore(Path(scratch) / "keys.json")
            resources = record(engine.whole(), keys=keys, stack=engine.stack)
        return cls(resources, engine.stack, frozenset(state.urns))

    def urn(self, resource: Resource) -> str:
        """Return a resource's URN."""
        return urn(resource, self.stack, PROJECT)

    def objects(self) -> list[Resource]:
        """Return the objects of Kubernetes among them."""
        return [one for one in self.resources if identity(one) and self.urn(one) not in self.urns]

    def file(self, imports: Sequence[Import]) -> dict[str, object]:
        """Return what `pulumi import --file` reads."""
        return import_file(imports, self.resources, self.stack, PROJECT, set(self.urns))


def resume(engine: Engine, state: State, ownership: Ownership) -> None:
    """Take up what a killed `pulumi up` was making, by the state's own record of it."""
    if not state.pending:
        return
    engine.output("A run that was killed has left open operations; taking them up again.")
    lacking = Lacking.of(engine, state)
    begun = [one for one in lacking.objects() if lacking.urn(one) in state.creating]
    imports = there(begun, ownership)
    engine.forget_pending(state)
    if imports:
        engine.import_resources(lacking.file(imports))


def imports(engine: Engine, state: State, ownership: Ownership) -> tuple[Lacking, list[Import]]:
    """Return all that the cluster has of the platform and the state lacks.

    Keys come with it: a database that was kept is of no use without those that it knows.
    """
    lacking = Lacking.of(engine, state)
    found = there(lacking.objects(), ownership)
    found += _keys(engine.config, lacking, ownership)
    found += _release(lacking, ownership)
    return lacking, found


def there(resources: Iterable[Resource], ownership: Ownership) -> list[Import]:
    """Return which of the objects the cluster has, as the platform's own."""
    by_identity = {one: each for each in resources if (one := identity(each))}
    bodies = live.read(ownership.kubectl, by_identity)
    return [
        Import(by_identity[one], f"{one.namespace}/{one.name}".lstrip("/"))
        for one, body in bodies.items()
        if ownership.is_ours(body)
    ]


def _keys(config: Config, lacking: Lacking, ownership: Ownership) -> list[Import]:
    """Return random values, by what the platform's Secrets hold."""
    kept = kept_keys.of_cluster(load(config), ownership)
    by_name = {(one.type, one.name): values for one, values in kept.items()}
    found: list[Import] = []
    for one in lacking.resources:
        values = by_name.get((one["type"], one["name"]))
        if values and lacking.urn(one) not in lacking.urns:
            found.append(Import(one, values.get("result") or values["base64"]))
    return found


def _release(lacking: Lacking, ownership: Ownership) -> list[Import]:
    """Return the Helm release, where Helm has a record of one that is deployed."""
    home = ownership.owner.home
    selector = f"owner=helm,name={names.RELEASE},status=deployed"
    if not ownership.kubectl.items("secrets", "-n", home, "--selector", selector):
        return []
    return [
        Import(one, f"{home}/{names.RELEASE}")
        for one in lacking.resources
        if one["type"] == RELEASE and lacking.urn(one) not in lacking.urns
    ]
