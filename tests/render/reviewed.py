"""The renderings that are committed, for a reviewer to see what a change does to the objects.

Written anew by `python -m tests.render.reviewed`: both stacks with the embedded chart, redacted,
one file an object, by its namespace; `order.txt` lists them in the order of their application.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from infra.keystore import KeyStore
from infra.render import Manifest, render
from infra.render.files import text
from infra.root import ROOT
from tests.programs import programs
from tests.render.variants import EMBEDDED, settings

GOLDEN = ROOT / "tests" / "render" / "golden"
STACKS = ("local", "prod")
ORDER = "order.txt"


def files(manifests: Sequence[Manifest]) -> dict[str, str]:
    """Return {path: text} of what is committed for these manifests."""
    paths = [_path(one) for one in manifests]
    lines = [f"{one.wave} {path}\n" for one, path in zip(manifests, paths, strict=True)]
    if doubles := sorted(path for path, count in Counter(paths).items() if count > 1):
        raise AssertionError(f"several objects would be written to one file: {', '.join(doubles)}")
    bodies = {path: text(one) for one, path in zip(manifests, paths, strict=True)}
    return {**bodies, ORDER: "".join(lines)}


def _path(manifest: Manifest) -> str:
    one = manifest.identity
    name = f"{one.kind.lower()}-{one.name.replace(':', '-')}.yaml"
    return f"{one.namespace or 'cluster'}/{name}"


def main() -> None:
    """Write both stacks anew."""
    helm = programs("helm")["helm"]
    with tempfile.TemporaryDirectory() as folder:
        for stack in STACKS:
            keys = KeyStore(Path(folder) / "keys.json")
            made = files(render(settings(stack, EMBEDDED), helm=helm, keys=keys))
            shutil.rmtree(GOLDEN / stack, ignore_errors=True)
            for path, body in made.items():
                file = GOLDEN / stack / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(body)
            print(f"{GOLDEN / stack}: {len(made)} files")


if __name__ == "__main__":
    main()
