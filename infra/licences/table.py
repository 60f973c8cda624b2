"""The committed table of licences, written from packages and read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.licences import allowed
from infra.licences.package import Package
from infra.root import ROOT

PAGE: Final = ROOT / "docs" / "reference" / "licences.md"
COMMAND: Final = "make licences"
_HEAD: Final = f"""\
# Licences of what goes into an image

Written by `{COMMAND}` from the locked packages themselves. A test holds it to the locks and to the
licences that `infra/licences/allowed.py` allows. Not here are:

- Debian's packages. Python is one of them; bash, coreutils, git and busybox are under the GPL. Each
  image has their terms in `/usr/share/doc/*/copyright`.
- The libraries that a wheel bundles, such as libpq and OpenSSL. Not every wheel names theirs.
- The programs of Kubernetes, etcd, containerd and Helm: `make up` builds and runs them on your
  machine, and no image holds them. They are Apache-2.0, some of their modules MPL-2.0.
- The images that a cluster of your own pulls from others, by `infra/versions.py`. Grafana's Loki is
  one of them, AGPL-3.0-only.

## What is not plainly permissive

Every other licence here lets anyone pass an image on with the licence's text in it. These ask for
more of whoever does:

| Licence | Allowed, because | It asks for | Of |
|---|---|---|---|
"""
_INPUTS: Final = """\
## Found by

What decides which packages there are, each with the start of its SHA-256:
"""
_TITLES: Final = {
    "python": "Python packages",
    "go": "Go modules",
    "stand-in": "Go modules of which stand-ins of ours alone are linked",
    "npm": "npm packages",
}
_HEADING: Final = re.compile(r"^## (.+)$")
_ROW: Final = re.compile(r"^\| `(\S+)` \| (\S*) \| (.+) \| (.+) \|$")
_INPUT: Final = re.compile(r"^- `(.+)`: ([0-9a-f]{16})$")


@dataclass(frozen=True, slots=True)
class Table:
    """What the page says.

    Args:
        packages: Every package, in order.
        inputs: The digest of each thing that decides which packages there are.
    """

    packages: tuple[Package, ...]
    inputs: Mapping[str, str]


def text(packages: Iterable[Package], inputs: Mapping[str, str]) -> str:
    """Return the page in Markdown."""
    every = sorted(packages)
    lines = [_HEAD + "\n".join(_conditions(every)), ""]
    for kind, title in _TITLES.items():
        own = [each for each in every if each.kind == kind]
        lines += [f"## {title}", "", "| Package | Version | Licence | In |", "|---|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.version} | {each.licence} | {', '.join(each.images)} |"
            for each in own
        ]
        lines.append("")
    lines += [_INPUTS, *(f"- `{name}`: {digest}" for name, digest in inputs.items()), ""]
    return "\n".join(lines)


def _conditions(packages: Iterable[Package]) -> Iterator[str]:
    for licence, (terms, names) in sorted(allowed.conditions(packages).items()):
        listed = ", ".join(f"`{name}`" for name in names)
        yield f"| {licence} | {terms.why} | {terms.owed} | {listed} |"


def parse(page: str) -> Table:
    """Read a page; a line that is none of a table's is prose."""
    kinds = {title: kind for kind, title in _TITLES.items()}
    kind, packages, inputs = "", [], {}
    for line in page.splitlines():
        if heading := _HEADING.match(line):
            kind = kinds.get(heading[1], "")
        elif kind and (row := _ROW.match(line)):
            packages.append(Package(kind, row[1], row[2], row[3], tuple(row[4].split(", "))))
        elif digest := _INPUT.match(line):
            inputs[digest[1]] = digest[2]
    return Table(tuple(packages), inputs)
