"""Which licences a text grants, by the sentences that tell one from another."""

from __future__ import annotations

import re
from pathlib import Path

_FREE_OF_CHARGE = "permission is hereby granted free of charge to any person obtaining a copy"
_TWO_CLAUSES = "redistribution and use in source and binary forms"
# A licence is there where each of its phrases is found, in lower case, without punctuation.
_PHRASES: dict[str, tuple[str, ...]] = {
    # Its name alone grants nothing: others say that they once were, or will be, under it.
    "Apache-2.0": (
        "apache license version 2 0",
        "terms and conditions for use reproduction and distribution"
        "|license[sd] (this file to you )?under the apache license version 2 0"
        "|apache license version 2 0 http www apache org licenses license 2 0",
    ),
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
# What known texts say themselves, and what would be a condition of its own elsewhere.
_THEIR_OWN = (
    "without any additional terms or conditions",  # Apache-2.0
    "application of additional terms",  # MPL-2.0
    "previously distributed under the gnu general public license",  # PSF-2.0
    "for any purpose commercial or non commercial",  # Unlicense
    # MPL-2.0
    "the gnu general public license version 2 0 the gnu lesser general public license version 2 1"
    " the gnu affero general public license version 3 0 or any later versions of those licenses",
)
# A text that says one of these has conditions which those that it names besides don't have: of a
# licence that looks like another, of one that becomes another years later, or of a rider to it.
_CONDITIONS = re.compile(
    "|".join(
        (
            *("all advertising materials mentioning", "good not evil"),
            *("business source license", "functional source license", "fair core license"),
            *("server side public license", "elastic license", "sustainable use license"),
            *("confluent community license", "timescale license", "redis source available"),
            *(
                "polyform [a-z]+ license",
                "commons clause",
                "non ?commercial",
                "evaluation purposes",
            ),
            *("additional (terms|conditions|restrictions)", "following restrictions"),
            r"\bgnu (affero |lesser |library |)general public license\b",
            r"\b[al]?gpl ?v?\d",
        )
    )
)
_GNU_NAMES = {"affero ": "AGPL", "lesser ": "LGPL", "": "GPL"}
# Characters in which a licence says its name.
_TITLE = 300
_FILE = re.compile(r"(un)?licen[cs]e|copying|mit-license", re.IGNORECASE)
# Neither a program's text nor a list is one, nor the terms of documentation that no program holds.
_OTHER = {".csv", ".docs", ".go", ".header", ".html", ".json", ".py", ".pyc", ".tmpl", ".yaml"}


def licences(text: str) -> set[str]:
    """The SPDX identifiers of the licences that a text holds.

    None where it holds none known, or conditions beside those of the known ones.
    """
    plain = _plain(text).replace("copy modify and distribute", "copy modify and or distribute")
    found = {
        name
        for name, phrases in _PHRASES.items()
        if all(re.search(each, plain) for each in phrases)
    }
    if "BSD-3-Clause" not in found and _TWO_CLAUSES in plain:
        found.add("BSD-2-Clause")
    if _FREE_OF_CHARGE in plain and "MIT" not in found:
        found.add("MIT-0")
    if gnu := _titled(plain):
        minor = ".1" if gnu[3] else ".0"
        return found | {f"{_GNU_NAMES[gnu[1]]}-{gnu[2]}{minor}-only"}
    return set() if has_conditions(text) else found


def has_conditions(text: str) -> bool:
    """Whether a text sets conditions that are none of the licence's that it looks like.

    GNU's licences are themselves, whichever others they name.
    """
    plain = _plain(text)
    return not _titled(plain) and bool(_CONDITIONS.search(_foreign(plain)))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())


def _titled(plain: str) -> re.Match[str] | None:
    return _GNU.search(_foreign(plain)[:_TITLE])


def _foreign(plain: str) -> str:
    """A text without what known ones say themselves."""
    for own in _THEIR_OWN:
        plain = plain.replace(own, "")
    return plain


def is_licence(path: Path) -> bool:
    """Whether a file is a licence by its name."""
    return bool(_FILE.match(path.name)) and path.suffix.lower() not in _OTHER
