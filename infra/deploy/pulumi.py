"""The engine `pulumi`: what brings a platform to a cluster by Pulumi's CLI, and away from it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from infra.deploy import adoption, kept_keys, removal
from infra.deploy.inventory import HOLDS_DATA
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import PROGRAMS, Engine
from infra.deploy.pulumi_state import State, object_of
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.output import Print

__all__ = ["PROGRAMS", "deploy", "destroy", "preview"]


def deploy(
    config: Mapping[str, object], stack: str, state_dir: Path, output: Print, *, kubectl: Kubectl
) -> dict[str, Any]:
    """Bring the cluster to what the settings say, by `pulumi up`.

    Can be killed at any point and run again: what the killed run has made is taken up by what
    Pulumi's state says of it.

    Args:
        config: The settings, an object for each area.
        stack: The stack's name.
        state_dir: Where state, passphrase and the merged settings lie (mode 0700 and 0600).
        output: Told what happens, a line at a time.
        kubectl: The cluster.

    Returns:
        The stack's outputs.

    Raises:
        UpdraftError: The settings, a program that is missing, or what Pulumi says.
    """
    engine = Engine(config, stack, state_dir, output)
    engine.prepare()
    state, owner = engine.state(), Owner.of(config)
    state.refuse_move(owner)
    ownership = Ownership(kubectl, owner, state.entries)
    ownership.refuse_missing_namespaces()
    adoption.resume(engine, state, ownership)
    engine.stream("up", "--yes", "--skip-preview", "--suppress-outputs")
    return engine.outputs()


def preview(
    config: Mapping[str, object], stack: str, state_dir: Path, output: Print
) -> dict[str, int]:
    """Return how many resources `pulumi up` would change, by operation; {} for none."""
    engine = Engine(config, stack, state_dir, output)
    engine.prepare()
    summary = json.loads(engine.run("preview", "--json"))["changeSummary"]
    return {operation: count for operation, count in summary.items() if operation != "same"}


def destroy(
    config: Mapping[str, object], stack: str, state_dir: Path, output: Print, *, kubectl: Kubectl
) -> None:
    """Delete everything that the stack has made, except what the settings say to keep."""
    engine = Engine(config, stack, state_dir, output)
    engine.prepare_removal()
    state, owner = engine.state(), Owner.of(config)
    # Its entries are known no more once it is empty.
    ownership = Ownership(kubectl, owner, state.entries)
    engine.write(state.declared({}).retained(_retained(engine, state)), before=state)
    engine.stream("destroy", "--yes", "--skip-preview")
    # They outlive the stack, since Pulumi would delete with them whatever is in them.
    removal.delete_namespaces(ownership, output)


def _retained(engine: Engine, state: State) -> Collection[str]:
    """Return the URNs of what is to stay; of all that may be, where the settings don't tell."""
    try:
        return adoption.Program.of(engine).retained
    except UpdraftError as error:
        engine.output(f"what holds data or a key stays, since the settings are refused: {error}")
        kept = {one.secret for one in kept_keys.KEPT}
        rows = ((str(row["urn"]), object_of(row)) for row in state.resources)
        return {
            urn
            for urn, one in rows
            if one and (one.kind in HOLDS_DATA or (one.kind == "Secret" and one.name in kept))
        }
