"""The command that takes over objects of a cluster: listed first, then one by one by name."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from infra import settings
from infra.cli import charts, choices
from infra.cli.choices import PULUMI, Choices
from infra.cli.choose import choose
from infra.cli.options import DEFAULT_STACK, Options, flag
from infra.cli.platform import Platform
from infra.cli.prompt import confirm
from infra.deploy.adoption import Plan, Program
from infra.deploy.live import Body
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership, whose
from infra.deploy.pulumi_checkout import CheckoutEngine
from infra.deploy.pulumi_engine import Engine
from infra.deploy.pulumi_state import State
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.kubectl import Kubectl, KubectlError
from infra.local import tools
from infra.local.lock import hold_instance
from infra.local.paths import Paths, make_folder
from infra.output import Output, Print
from infra.render import render
from infra.render.manifests import Identity, Manifest


def adopt(options: Options) -> None:
    """List what stands where the platform's objects are to be; take over what TAKE names.

    With Pulumi, what is the platform's and its state lacks is imported, too.

    Raises:
        UpdraftError: TAKE names something else, or a Secret without SECRETS=1.
    """
    paths = Paths.for_instance(options.instance)
    output = Output()
    with hold_instance(paths, output), ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="updraft-adopt-")))
        recorded = choices.read(paths.state)
        if options.stack and is_of_checkout(options, recorded):
            _of_checkout(options.stack, scratch, output)
            return
        chosen = choose(options, recorded)
        if not chosen.chart_path:
            helm = tools.ensure(["helm"], output)["helm"]
            found = charts.fetch_official(helm, paths.cache)
            chosen = dataclasses.replace(chosen, chart_path=str(found.path))
        _of_make(Platform(paths, chosen), scratch, output)


def is_of_checkout(options: Options, recorded: Choices | None) -> bool:
    """Whether STACK alone names another stack than make up has, or would begin with."""
    if options.context is not None or options.engine is not None:
        return False
    return options.stack != (recorded.stack if recorded else DEFAULT_STACK)


def _of_make(platform: Platform, scratch: Path, output: Output) -> None:
    """Adopt for a platform that make up has made, or is going to."""
    platform.reachable()
    if platform.chosen.engine != PULUMI:
        ownership = Ownership.read(platform.kubectl, Owner.of(platform.config))
        _take(platform.config, platform.chosen.stack, ownership, scratch, output)
        return
    make_folder(platform.paths.state, 0o700)
    engine = Engine(platform.config, platform.chosen.stack, platform.paths.state, output)
    engine.prepare()
    _by_pulumi(engine, platform.kubectl, scratch, output)


def _of_checkout(stack: str, scratch: Path, output: Output) -> None:
    """Adopt for a stack that is deployed by `pulumi up` in the checkout."""
    engine = CheckoutEngine(stack, scratch / "engine", output)
    engine.prepare()
    cluster = settings.load(engine.config).cluster
    kubeconfig = Path(cluster.kubeconfig).expanduser() if cluster.kubeconfig else None
    binary = tools.ensure(["kubectl"], output)["kubectl"]
    _by_pulumi(engine, Kubectl(binary, kubeconfig, cluster.context), scratch, output)


def _by_pulumi(engine: Engine, kubectl: Kubectl, scratch: Path, output: Output) -> None:
    state = engine.state()
    ownership = Ownership(kubectl, Owner.of(engine.config), state.entries)
    _take(engine.config, engine.stack_name, ownership, scratch, output)
    program = Program.of(engine)
    plan = Plan.of(engine, state, program, ownership)
    lines = plan.lines()
    if not lines:
        output(f"Pulumi's state of {engine.stack} has all that the cluster has of it")
        return
    for line in lines:
        output(line)
    confirm(f"Change the state of {engine.stack} so")
    refuse_changed(engine, state)
    plan.carry_out(engine, ownership)
    output("done; the next deploy brings all of it to what the settings say")


def refuse_changed(engine: Engine, state: State) -> None:
    """Refuse to write over what another run has done while the question was asked.

    Raises:
        UpdraftError: One has.
    """
    if engine.state().version != state.version:
        raise UpdraftError(
            f"another run has changed the state of {engine.stack} meanwhile: nothing was done",
            where="make adopt",
            fix="run it again",
        )


def _take(
    config: Mapping[str, object], stack: str, ownership: Ownership, scratch: Path, output: Output
) -> None:
    helm = tools.ensure(["helm"], output)["helm"]
    # Keys that are drawn to render are not the platform's.
    keys = KeyStore(scratch / "keys.json")
    manifests = render(config, helm=helm, keys=keys, stack=stack)
    wanted = [*(one.identity for one in manifests), ownership.inventory.identity]
    foreign = ownership.foreign(wanted)
    tell(foreign, ownership.owner, output)
    taken = chosen(os.environ.get("TAKE", ""), foreign)
    refuse_fixed(ownership.kubectl, [one for one in manifests if one.identity in taken])
    take(ownership, taken, output)


def refuse_fixed(kubectl: Kubectl, manifests: Iterable[Manifest]) -> None:
    """Refuse to take over what the next deploy couldn't change.

    Raises:
        UpdraftError: An object has a field that can't be changed in place.
    """
    for one in manifests:
        try:
            kubectl.apply([one], dry_run=True)
        except KubectlError as error:
            raise UpdraftError(
                f"{name(one.identity)} can't become what the platform needs: {error.what}",
                where="TAKE",
                fix="delete it, if nobody needs it, and the next deploy makes it",
            ) from error


def tell(foreign: Mapping[Identity, Body], owner: Owner, output: Print) -> None:
    """List what isn't the platform's, each by the name that TAKE takes."""
    if not foreign:
        output(f"nothing of others stands in the way of the platform {owner.platform}")
        return
    output(f"not of the platform {owner.platform}, and so not touched:")
    for one, body in sorted(foreign.items(), key=lambda pair: pair[0]):
        output(f"  {name(one)}  {whose(body)}")
    output("taken over is what TAKE names: make adopt TAKE='Kind/namespace/name …'")


def name(one: Identity) -> str:
    """Return an object's name as TAKE takes it."""
    return "/".join(filter(None, (one.kind, one.namespace, one.name)))


def chosen(text: str, foreign: Mapping[Identity, Body]) -> dict[Identity, Body]:
    """Return the objects that TAKE names.

    Raises:
        UpdraftError: One isn't among those in the way, or a Secret is and SECRETS=1 is not said.
    """
    by_name = {name(one): one for one in foreign}
    asked = text.split()
    unknown = [one for one in asked if one not in by_name]
    if unknown:
        raise UpdraftError(
            f"nothing of this name stands in the way: {', '.join(unknown)}",
            where="TAKE",
            fix=f"one or more of {', '.join(by_name)}" if by_name else "leave TAKE out",
        )
    found = {by_name[one]: foreign[by_name[one]] for one in asked}
    secrets = [name(one) for one in found if one.kind == "Secret"]
    if secrets and not flag("SECRETS"):
        raise UpdraftError(
            f"the next deploy may replace the data of {', '.join(secrets)}",
            where="TAKE",
            fix="name it in updraft:keys, or as an existingSecret, to go on with what it holds; "
            "or say SECRETS=1",
        )
    return found


def take(ownership: Ownership, found: Mapping[Identity, Body], output: Print) -> None:
    """Label objects as the platform's, once the user agrees."""
    if not found:
        return
    for one, body in found.items():
        output(f"{name(one)}, {whose(body)}:")
        output("  the next deploy changes it, and it is deleted with the platform")
        if one.kind == "Namespace":
            output("  it becomes restricted (Pod Security), and goes once nothing else is in it")
    confirm(f"Take over {len(found)} object{'s' * (len(found) != 1)}")
    for one in found:
        ownership.take(one)
        output(f"taken over {name(one)}")
