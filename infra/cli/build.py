"""The commands that make files or images and touch no cluster: render and image."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from infra import images
from infra import render as rendering
from infra.cli import charts, choices
from infra.cli.image_plan import UNBUILT, in_registry
from infra.cli.options import DEFAULT_STACK, Options, flag
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.local import tools
from infra.local.paths import Paths
from infra.local.shell import UMASK
from infra.output import Output
from infra.render.manifests import Manifest
from infra.root import ROOT
from infra.settings import stack


def render(options: Options, out: str | None) -> None:
    """Write a stack's manifests, one file an object; secrets redacted unless SECRETS=1.

    Raises:
        UpdraftError: A setting is wrong, the chart isn't one, or an image is not built yet.
    """
    output = Output()
    secrets = flag("SECRETS")
    paths = Paths.for_instance(options.instance)
    name = options.stack or DEFAULT_STACK
    live = choices.read(paths.state)
    if live and live.stack == name:
        platform = Platform(paths, live.with_set(options.overrides))
        config, keys = platform.config, platform.keys
    else:
        config, keys = stack.read(name, options.overrides), _keys(paths, name, live)
    if options.context:
        config = stack.merge(config, {"cluster": {"context": options.context}})
    if options.airflow_chart:
        path = charts.inspect(options.airflow_chart).path
        config = stack.merge(config, {"chart": {"path": str(path)}})
    folder = Path(out) if out else ROOT / "rendered" / name
    helm = tools.ensure(["helm"], output)["helm"]
    manifests = rendering.render(config, helm=helm, keys=keys, stack=name)
    _refuse_unbuilt(manifests, choices.path_of(paths.state))
    rendering.write(manifests, folder, secrets=secrets)
    kept = "with secrets, readable by you alone" if secrets else "secrets redacted"
    output(f"{len(manifests)} manifests in {folder}, {kept}")
    output(f"the keys of stack {name} are in {keys.path}, and nowhere else")


def _keys(paths: Paths, name: str, live: choices.Choices | None) -> KeyStore:
    """The keys of a stack that is rendered for a cluster elsewhere: no other stack's.

    Raises:
        UpdraftError: Version 0.1 may have rendered it with the keys of the platform here.
    """
    own, shared = KeyStore(paths.rendered / name / "keys.json"), paths.state / "keys.json"
    # Version 0.1 kept the keys of all rendered stacks there; a cluster may know them.
    if own.path.exists() or not shared.exists() or (live and live.made_by):
        return own
    if live:
        raise UpdraftError(
            f"whether stack {name} was rendered by version 0.1 before can't be told: its keys were "
            "those of the platform here",
            where=str(shared),
            fix="if a cluster has been given them, and its database is to be read again: "
            f"mkdir -p {own.path.parent} && cp {shared} {own.path}; else begin with new ones: "
            f"mkdir -p {own.path.parent} && echo '{{\"resources\": {{}}}}' > {own.path}",
        )
    own.add(KeyStore(shared).read())
    return own


def _refuse_unbuilt(manifests: Iterable[Manifest], record: Path) -> None:
    """Refuse what names an image that make up still builds, or that it was ended before."""
    named = set().union(*(one.images for one in manifests))
    absent = sorted(name for name in named if name.endswith(f":{UNBUILT}"))
    if absent:
        raise UpdraftError(
            f"these images are not built yet: {', '.join(absent)}",
            where=str(record),
            fix="make up builds them and deploys what runs them: wait for it to end, or run it",
        )


def image(options: Options) -> None:
    """Build the Airflow image; unchanged input builds nothing. REGISTRY pushes it."""
    os.umask(UMASK)
    output = Output()
    paths = Paths.for_instance(options.instance)
    built = images.build(["airflow"], cache=paths.cache, output=output)["airflow"]
    reference = built.ref
    if options.registry:
        reference = in_registry(options.registry, built.ref)
        images.push(built, reference, cache=paths.cache, output=output)
    output(f"image {reference}")
