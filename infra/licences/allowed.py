"""The licences that a package in an image may have, and the packages that may have another one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from infra.licences.package import Package


@dataclass(frozen=True, slots=True)
class Terms:
    """Why what is not plainly permissive may be in an image, and what it asks for.

    Args:
        why: Why it may.
        owed: What is owed by whoever passes the image on.
    """

    why: str
    owed: str


# Each lets anyone pass an image on with the licence's text in it.
ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
    }
)

# What one on the list asks for besides.
CONDITIONS: Final = {
    "MPL-2.0": Terms(
        "it holds for its own files alone",
        "word of where their source is: the registries serve it unchanged",
    ),
}

_LIBRARY: Final = Terms(
    "a library that Python loads by itself: who has the image can put another in its place",
    "its source and a notice of what was changed, as [NOTICE](../../NOTICE) says",
)
# (kind, name) -> (expression, why it may be in an image though the expression is not on the list).
EXCEPTIONS: Final[dict[tuple[str, str], tuple[str, Terms]]] = {
    ("go", "github.com/grafana/loki/v3"): (
        "AGPL-3.0-only AND Apache-2.0",
        Terms(
            "a server of its own: what asks it over the network is no part of it",
            "its whole source, for whoever gets it or uses it over a network, and a notice of what "
            "was changed and when, since it is modified (`tools/loki/without`): "
            "[NOTICE](../../NOTICE) says which source that is",
        ),
    ),
    ("python", "psycopg"): ("LGPL-3.0-only", _LIBRARY),
    ("python", "psycopg-binary"): ("LGPL-3.0-only", _LIBRARY),
    ("python", "psycopg2-binary"): ("LGPL-3.0-or-later", _LIBRARY),
    ("python", "text-unidecode"): (
        "Artistic-1.0-Perl OR GPL-2.0-or-later",
        Terms(
            "the first lets an unchanged copy be passed on with other software",
            "its own notices, which the image brings along",
        ),
    ),
}

# (kind, name, version) -> (expression, where a person read it), where nothing that a program reads
# tells. It holds for that version alone: the next one's words are to be read again.
DECIDED: Final[dict[tuple[str, str, str], tuple[str, str]]] = {
    ("python", "greenback", "1.3.0"): ("MIT OR Apache-2.0", "its file LICENSE: either of the two"),
    ("python", "psycopg2-binary", "2.9.13"): ("LGPL-3.0-or-later", "its file LICENSE"),
    ("python", "python-daemon", "3.1.2"): (
        "Apache-2.0",
        "its field License: GPL-3.0 is of its packaging and tests, which no wheel holds",
    ),
    ("python", "text-unidecode", "1.3"): (
        "Artistic-1.0-Perl OR GPL-2.0-or-later",
        "its file LICENSE.txt: either of the two",
    ),
}


def conditions(packages: Iterable[Package]) -> dict[str, tuple[Terms, list[str]]]:
    """Each licence that is not plainly permissive, its terms, and the packages it is of."""
    found: dict[str, tuple[Terms, list[str]]] = {}
    for each in packages:
        told, names = CONDITIONS, _NAMES.split(each.licence)
        if exception := EXCEPTIONS.get((each.kind, each.name)):
            told, names = dict([exception]), [exception[0]]
        for name in names:
            if name in told:
                found.setdefault(name, (told[name], []))[1].append(each.name)
    return found


_NAMES: Final = re.compile(r"[() ]+(?:AND|OR)[() ]+")


def refusal(package: Package) -> str:
    """Why a package may not go into an image; empty where it may."""
    exception = EXCEPTIONS.get((package.kind, package.name))
    if exception and package.licence == exception[0]:
        return ""
    try:
        expression = canonicalize_license_expression(package.licence)
    except InvalidLicenseExpression:
        return f'its licence is "{package.licence}", which is no SPDX expression'
    # Where there are brackets, all that they name is asked for: it refuses rather than errs.
    ways = [expression] if "(" in expression else expression.split(" OR ")
    if any(set(_NAMES.split(way.strip("() "))) <= ALLOWED for way in ways):
        return ""
    return f"its licence, {expression}, is not on the list"
