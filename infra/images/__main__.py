"""`python -m infra.images [NAME …]`: build images and print where each is."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.errors import UpdraftError
from infra.images import NAMES, build
from infra.local.paths import Paths


def main(names: list[str]) -> int:
    """Build the named images, all without names; return the exit code."""
    cache: Path = Paths.for_instance().cache
    try:
        built = build(names or NAMES, cache=cache, output=lambda text: print(text, file=sys.stderr))  # noqa: T201
    except UpdraftError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    for image in built.values():
        print(f"{image.ref}\t{image.archive}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
