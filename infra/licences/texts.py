"""Which licences a text grants, by the sentences that tell one from another."""

from __future__ import annotations

import re
from pathlib import Path

_FREE_OF_CHARGE = "permission is hereby granted free of charge to any person obtaining a copy"
_TWO_CLAUSES = "redistribution and use in source and binary forms"
# A licence is there where each of its phrases is, in lower case, without punctuation.
_PHRASES: dict[str, tuple[str, ...]] = {
    "Apache-2.0": ("apache license version 2 0",),
    "MIT": (
        _FREE_OF_CHARGE,
        "permission notice shall be included in",
    ),
    "BSD-3-Clause": (
        _TWO_CLAUSES,
        "endorse or promote products derived from",
    ),
    "ISC": (
        "permission to use copy modify and or distribute this software for any purpose with or"
        " without fee is hereby granted provided that the above copyright notice",
    ),
    "0BSD": (
        "permission to use copy modify and or distribute this software for any purpose with or"
        " without fee is hereby granted the software is provided",
    ),
    "MPL-2.0": ("mozilla public license version 2 0",),
    "PSF-2.0": ("python software foundation license version 2",),
    "Unlicense": ("this is free and unencumbered software released into the public domain",),
    "CC0-1.0": ("cc0 1 0 universal",),
    "CC-BY-4.0": ("creative commons attribution 4 0 international",),
    "CC-BY-SA-4.0": ("creative commons attribution sharealike 4 0 international",),
    "Zlib": ("altered source versions must be plainly marked as such",),
    "BSL-1.0": ("boost software license version 1 0",),
}
# Each names the others somewhere: the first title of the text is its own.
_GNU = re.compile(r"gnu (affero |lesser |)general public license version (\d)( 1\b)?")
_GNU_NAMES = {"affero ": "AGPL", "lesser ": "LGPL", "": "GPL"}
# Characters in which a licence says its name; MPL names GNU's further down.
_TITLE = 300
_FILE = re.compile(r"(un)?licen[cs]e|copying|mit-license", re.IGNORECASE)
# Neither a program's text nor a list is one, nor the terms of documentation that no program holds.
_OTHER = {".csv", ".docs", ".go", ".header", ".html", ".json", ".py", ".pyc", ".tmpl", ".yaml"}


def licences(text: str) -> set[str]:
    """The SPDX identifiers of the licences that a text holds; none where it holds none known."""
    plain = " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
    plain = plain.replace("copy modify and distribute", "copy modify and or distribute")
    found = {name for name, phrases in _PHRASES.items() if all(each in plain for each in phrases)}
    if "BSD-3-Clause" not in found and _TWO_CLAUSES in plain:
        found.add("BSD-2-Clause")
    if _FREE_OF_CHARGE in plain and "MIT" not in found:
        found.add("MIT-0")
    if gnu := _GNU.search(plain[:_TITLE]):
        minor = ".1" if gnu[3] else ".0"
        found.add(f"{_GNU_NAMES[gnu[1]]}-{gnu[2]}{minor}-only")
    return found


def is_licence(path: Path) -> bool:
    """Whether a file is a licence by its name."""
    return bool(_FILE.match(path.name)) and path.suffix.lower() not in _OTHER
