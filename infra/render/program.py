"""From settings to manifests: run the program, expand its releases, put all in order."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra import versions
from infra.errors import UpdraftError
from infra.keystore import SHORTEST_SECRET, KeyStore
from infra.render.helm import template
from infra.render.manifests import Manifest, normal
from infra.render.resource import RELEASE, Resource
from infra.render.waves import awaited, waves
from infra.root import ROOT
from infra.settings import PROJECT
from infra.settings.hidden import looks_secret
from infra.values import names

PROGRAM = ROOT / "infra"
FAULT = 3
_OPTIONS = {names.OPTIONS, names.TASK_OPTIONS}


def render(
    config: Mapping[str, object],
    *,
    helm: Path,
    keys: KeyStore,
    program: Path = PROGRAM,
    stack: str = "local",
) -> list[Manifest]:
    """Return every object that `pulumi up` with these settings would make, in order of application.

    Args:
        config: The settings, an object for each area.
        helm: The helm program.
        keys: The store of random values; missing ones are made.
        program: The folder of the program's `__main__.py`.
        stack: The stack's name as the program sees it.

    Raises:
        UpdraftError: A mistake in the settings or the chart's values, a resource that can't be
            rendered, two objects of one identity, or a key outside of a Secret.
    """
    _refuse_encrypted(config, PROJECT)
    resources = record(config, keys=keys, program=program, stack=stack)
    order, waited = waves(resources), awaited(resources)
    found: list[Manifest] = []
    for resource in resources:
        wave = order.get(resource["urn"], 0)
        for whole in _bodies(resource, helm=helm, program=program):
            found.append(
                Manifest(
                    whole,
                    wave=wave,
                    awaited=resource["urn"] in waited,
                    source=_source(resource),
                    retain=resource["retain"],
                )
            )
    _refuse_doubles(found)
    _refuse_leaks(found, keys.secrets())
    return sorted(found, key=Manifest.order)


def record(
    config: Mapping[str, object], *, keys: KeyStore, program: Path = PROGRAM, stack: str = "local"
) -> list[Resource]:
    """Return the program's resources, run in an interpreter of its own."""
    request = {
        "config": config,
        "project": PROJECT,
        "stack": stack,
        "program": str(program),
        "keys": str(keys.path.absolute()),
    }
    root = str(ROOT)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "infra.render.record"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
    )
    if done.returncode == FAULT:
        raise UpdraftError(**json.loads(done.stdout))
    if done.returncode != 0:
        raise UpdraftError(
            f"the program failed:\n{done.stderr.strip()}", where=str(program / "__main__.py")
        )
    answer: list[Resource] = json.loads(done.stdout)
    return answer


def _source(resource: Resource) -> str:
    return f"{resource['type']} {resource['name']}"


def _bodies(resource: Resource, *, helm: Path, program: Path) -> Iterable[dict[str, Any]]:
    inputs = resource["inputs"]
    if resource["type"] == RELEASE:
        bodies: Iterable[Mapping[str, Any]] = template(
            inputs, helm=helm, folder=program, kubernetes=versions.KUBERNETES
        )
        namespace = inputs["namespace"]
    elif resource["type"].startswith("kubernetes:") and resource["custom"]:
        bodies, namespace = [inputs], ""
    else:
        return
    for body in bodies:
        yield normal(body, source=_source(resource), namespace=namespace)


def _refuse_encrypted(value: object, where: str) -> None:
    """Refuse what `pulumi config set --secret` has written: only Pulumi has the key to it."""
    if not isinstance(value, Mapping):
        return
    if set(value) == {"secure"}:
        raise UpdraftError(
            "this value is encrypted, and only Pulumi can read it",
            where=where,
            fix="put it into a Secret of the cluster and name that by existingSecret, "
            "or deploy by `pulumi up`",
        )
    for key, below in value.items():
        _refuse_encrypted(below, f"{where}{':' if where == PROJECT else '.'}{key}")


def _refuse_doubles(manifests: Sequence[Manifest]) -> None:
    seen: dict[object, str] = {}
    for one in manifests:
        if one.identity in seen:
            raise UpdraftError(
                f"{one.identity} is stated twice",
                where=f"{seen[one.identity]}; {one.source}",
                fix="give one of them another name",
            )
        seen[one.identity] = one.source


def _refuse_leaks(manifests: Sequence[Manifest], secrets: Iterable[str]) -> None:
    """Refuse a manifest that shows what belongs in a Secret: keys, and all values of Secrets."""
    shown = set(secrets) | {
        value
        for one in manifests
        if one["kind"] == "Secret"
        for key, value in _decoded(one)
        if len(value) >= SHORTEST_SECRET
        and not key.lower().endswith(("username", "known_hosts"))
        # They hold whatever isn't known to be harmless, most of which is.
        and (one.identity.name not in _OPTIONS or looks_secret(value, hashes=True))
    }
    needles = shown | {base64.b64encode(each.encode()).decode() for each in shown}
    for one in manifests:
        if one["kind"] == "Secret":
            continue
        text = json.dumps(one, ensure_ascii=False)
        if any(json.dumps(needle, ensure_ascii=False)[1:-1] in text for needle in needles):
            raise UpdraftError(
                f"{one.identity} holds a value that belongs in a Secret",
                where=one.source,
                fix="refer to the Secret by secretKeyRef instead",
            )


def _decoded(secret: Manifest) -> Iterable[tuple[str, str]]:
    for key, value in secret.get("data", {}).items():
        yield key, base64.b64decode(value).decode(errors="replace")
