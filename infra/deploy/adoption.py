"""What the cluster has of the platform and Pulumi's state lacks, imported into the state."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.deploy import helm_release, kept_keys, live
from infra.deploy.helm_release import Record
from infra.deploy.inventory import HOLDS_DATA
from infra.deploy.kept_keys import Kept
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import Engine
from infra.deploy.pulumi_import import Import, identity, import_file, provider, urn
from infra.deploy.pulumi_state import KUBERNETES, State, object_of
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.render.manifests import Identity
from infra.render.program import record
from infra.render.resource import RELEASE, Resource
from infra.settings import PROJECT, load
from infra.values import names


@dataclass(frozen=True)
class Program:
    """What a stack's program declares.

    Args:
        resources: In order of registration.
        stack: The stack's name, without whose it is.
    """

    resources: Sequence[Resource]
    stack: str

    @classmethod
    def of(cls, engine: Engine) -> Program:
        """Return it for an engine's stack; the program is run without drawing keys to keep."""
        with tempfile.TemporaryDirectory(prefix="updraft-adopt-") as scratch:
            keys = KeyStore(Path(scratch) / "keys.json")
            resources = record(engine.whole(), keys=keys, stack=engine.stack_name)
        return cls(resources, engine.stack_name)

    def urn(self, resource: Resource) -> str:
        """Return a resource's URN."""
        return urn(resource, self.stack, PROJECT)

    @cached_property
    def retained(self) -> frozenset[str]:
        """URNs of what outlives the stack."""
        return frozenset(self.urn(one) for one in self.resources if one["retain"])

    def mended(self, state: State) -> State:
        """Return a state with what an import leaves out, or version 0.1 did."""
        objects = [one for one in self.resources if identity(one)]
        inputs = {self.urn(one): one["inputs"] for one in objects}
        return state.declared(inputs).retained(self.retained)

    def retains(self, wanted: Identity) -> bool:
        """Whether an object outlives the stack."""
        return any(one["retain"] for one in self.resources if identity(one) == wanted)

    def lacking(self, state: State) -> dict[Identity, Resource]:
        """Return the objects that a state lacks, under any URN: version 0.1 had others."""
        known = {one.identity for one in state.entries}
        return {
            one: resource
            for resource in self.resources
            if (one := identity(resource)) and one not in known
        }


@dataclass(frozen=True)
class Plan:
    """What a state is to be given, and what goes for it.

    Args:
        program: The program.
        state: As it is.
        imports: What the cluster has of the platform and the state lacks.
        displaced: Random values of the state, by URN, that the cluster's Secrets have otherwise.
        half_made: Objects that a killed run was making in place of others.
        records: Helm's, of a run that failed.
    """

    program: Program
    state: State
    imports: Sequence[Import]
    displaced: dict[str, Kept]
    half_made: Sequence[Identity]
    records: Sequence[Record]

    @classmethod
    def of(cls, engine: Engine, state: State, program: Program, ownership: Ownership) -> Plan:
        """Return it by what state and cluster have now."""
        lacking = program.lacking(state)
        known = {one.identity for one in state.entries}
        begun = {one for row in state.creating if (one := object_of(row))} - known
        own = _own([*lacking, *begun], ownership)
        there = [
            one for one in own if one in lacking and program.urn(lacking[one]) not in state.urns
        ]
        keys, displaced = _keys(engine, state, program, ownership)
        made = [Import(lacking[one], f"{one.namespace}/{one.name}".lstrip("/")) for one in there]
        return cls(
            program,
            state,
            [*made, *keys, *_release(program, state, ownership)],
            displaced,
            [
                one
                for one in own
                if one not in there and one.kind not in HOLDS_DATA and not program.retains(one)
            ],
            helm_release.stale(state, ownership.kubectl, ownership.owner),
        )

    @property
    def changed(self) -> State:
        """The state before anything is imported."""
        return self.program.mended(self.state.without_pending().without(self.displaced))

    def lines(self) -> list[str]:
        """Return in words what is going to be done; a random value's id is the value."""
        imports = []
        for one in self.imports:
            kind, name = one.resource["type"], one.resource["name"]
            other = self.program.urn(one.resource) in self.displaced
            hidden = "the cluster's, in place of the state's" if other else "the cluster's"
            imports.append(f"{kind} {name}  {one.id if kind.startswith(KUBERNETES) else hidden}")
        before = {str(one["urn"]) for one in self.state.resources if one.get("retainOnDelete")}
        marked = [one for one in self.changed.resources if one.get("retainOnDelete")]
        sections = {
            "imported, being of the platform and not in Pulumi's state": imports,
            "deleted, half made by a run that was killed": list(map(str, self.half_made)),
            "removed, Helm's records of a run that failed": [
                helm_release.named(one) for one in self.records
            ],
            "marked as to stay when the stack, or a setting, goes": [
                str(one["urn"]) for one in marked if one["urn"] not in before
            ],
            "forgotten, as begun by a run that was killed": [
                str(one["resource"]["urn"]) for one in self.state.pending
            ],
        }
        return [
            line
            for title, found in sections.items()
            if found
            for line in (f"{title}:", *(f"  {one}" for one in found))
        ]

    def refuse_displaced(self, ownership: Ownership) -> None:
        """Refuse to go on with other keys than those that the cluster keeps.

        Raises:
            UpdraftError: The state has others; each Secret is named.
        """
        if self.displaced:
            secrets = ", ".join(one.secret for one in self.displaced.values())
            raise UpdraftError(
                "Pulumi's state has drawn other keys than the cluster keeps, and would write over "
                f"them: {secrets}",
                where=f"Secrets in {ownership.owner.home}",
                fix="make adopt, which has the state go on with the cluster's",
            )

    def carry_out(self, engine: Engine, ownership: Ownership) -> None:
        """Delete what is half made, and give the state what it lacks."""
        kubectl, owner = ownership.kubectl, ownership.owner
        helm_release.remove(self.records, kubectl, owner, engine.output)
        for one in self.half_made:
            engine.output(f"removing {one}, which a killed run was making in place of another")
            ownership.inventory.delete(one)
        changed = self.changed
        engine.write(changed, before=self.state)
        if not self.imports:
            return
        have = provider(self.program.stack, PROJECT)
        if have not in changed.urns:
            # Else they would be imported from whatever cluster happens to be current.
            engine.run("up", "--yes", "--skip-preview", "--suppress-outputs", "--target", have)
        stack = self.program.stack
        try:
            engine.import_resources(
                import_file(self.imports, self.program.resources, stack, PROJECT, changed.urns)
            )
        finally:
            imported = engine.state()
            engine.write(self.program.mended(imported), before=imported)


def resume(engine: Engine, state: State, ownership: Ownership) -> None:
    """Go on from what state and cluster have, before a `pulumi up`.

    A run may have been killed, a state lost, or a platform removed that keeps its data.

    Raises:
        UpdraftError: What is to be made is there and somebody else's, or keys differ.
    """
    program = Program.of(engine)
    ownership.refuse_foreign(program.lacking(state))
    plan = Plan.of(engine, state, program, ownership)
    plan.refuse_displaced(ownership)
    if state.pending:
        engine.output("A run that was killed has left open operations; taking them up again.")
    elif plan.imports:
        number = len(plan.imports)
        engine.output(f"going on with {number} of the platform's that Pulumi's state lacks")
    plan.carry_out(engine, ownership)


def _own(wanted: Iterable[Identity], ownership: Ownership) -> list[Identity]:
    bodies = live.read(ownership.kubectl, wanted)
    return [one for one, body in bodies.items() if ownership.is_ours(body)]


def _keys(
    engine: Engine, state: State, program: Program, ownership: Ownership
) -> tuple[list[Import], dict[str, Kept]]:
    """Return random values by what the platform's Secrets hold, and whose place they take.

    A database that was kept is of no use without the keys that it knows.
    """
    kept = kept_keys.of_cluster(load(engine.config), ownership)
    if not kept:
        return [], {}
    shown = engine.state(secrets=True) if state.current else state
    by_name = {(one["type"], one["name"]): one for one in program.resources}
    found: list[Import] = []
    displaced: dict[str, Kept] = {}
    for one, values in kept.items():
        value = values.get("result") or values["base64"]
        drawn = shown.drawn(one.type, one.name)
        if drawn and drawn[1] == value:
            continue
        if drawn:
            displaced[drawn[0]] = one
        found.append(Import(by_name[one.type, one.name], value))
    return found, displaced


def _release(program: Program, state: State, ownership: Ownership) -> list[Import]:
    """Return the Helm release where it is deployed, the platform's, and not in the state."""
    if state.release or not helm_release.is_deployed(ownership):
        return []
    home = ownership.owner.home
    return [
        Import(one, f"{home}/{names.RELEASE}")
        for one in program.resources
        if one["type"] == RELEASE
    ]
