"""A text is known as a licence only where it asks for nothing beside what that licence asks for."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from infra.licences import python_packages
from infra.licences.allowed import DECIDED, refusal
from infra.licences.package import UNKNOWN, Package, conjunction
from infra.licences.texts import licences
from infra.root import ROOT

APACHE = (ROOT / "LICENSE").read_text()
MIT = """MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.
"""
BSD_3 = """Redistribution and use in source and binary forms, with or without modification, are
permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice.
2. Redistributions in binary form must reproduce the above copyright notice.
3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse
   or promote products derived from this software without specific prior written permission.
"""
GPL_3 = """                    GNU GENERAL PUBLIC LICENSE
                       Version 3, 29 June 2007

 Everyone is permitted to copy and distribute verbatim copies of this license document.
"""
AGPL_3 = GPL_3.replace("GNU GENERAL", "GNU AFFERO GENERAL")
MPL_2 = """Mozilla Public License Version 2.0

1.12. "Secondary License"
    means either the GNU General Public License, Version 2.0, the GNU Lesser General Public
    License, Version 2.1, the GNU Affero General Public License, Version 3.0, or any later versions
    of those licenses.

3.5. Application of Additional Terms
"""
BUSL = """Business Source License 1.1

Licensed Work: Something 4.0
Change Date: four years from the date that the Licensed Work is published.
Change License: Apache License, Version 2.0
"""
FSL = """Functional Source License, Version 1.1, ALv2 Future License

We hereby irrevocably grant you an additional license to use the Software under the Apache License,
Version 2.0 that is effective on the second anniversary of the date we make the Software available.
Licensed under the Apache License, Version 2.0 (the "License").
"""
ELASTIC = """Elastic License 2.0

You may not provide the software to third parties as a hosted or managed service.
"""
GOOD = {
    "MIT": (MIT, {"MIT"}),
    "Apache": (APACHE, {"Apache-2.0"}),
    "Apache by its notice": (
        'Licensed under the Apache License, Version 2.0 (the "License")',
        {"Apache-2.0"},
    ),
    "BSD-3-Clause": (BSD_3, {"BSD-3-Clause"}),
    "MPL-2.0": (MPL_2, {"MPL-2.0"}),
    "two at once": (f"{MIT}\n{BSD_3}", {"MIT", "BSD-3-Clause"}),
    "GPL-3.0": (GPL_3, {"GPL-3.0-only"}),
    "AGPL-3.0": (AGPL_3, {"AGPL-3.0-only"}),
    "GPL-3.0 before MIT": (f"{GPL_3}\n{MIT}", {"GPL-3.0-only", "MIT"}),
}
# Each holds the words of an allowed licence, or looks like a text that does.
BAD = {
    "JSON": f"{MIT}\nThe Software shall be used for Good, not Evil.\n",
    "Commons Clause": f'"Commons Clause" License Condition v1.0\n\nDon\'t Sell it.\n\n{APACHE}',
    "BSD-4-Clause": BSD_3
    + "4. All advertising materials mentioning features of this software must "
    "display the following acknowledgement: this product includes software of Somebody.\n",
    "MIT, then GPL-3.0": f"{MIT}\n{GPL_3}",
    "MPL, then AGPL-3.0": f"{MPL_2}\n{AGPL_3}",
    "MIT but for a part under GPLv2": f"{MIT}\nThe folder contrib is under GPLv2.\n",
    "MIT, then LGPL": f"{MIT}\nOr under the GNU Lesser General Public License, as you like.\n",
    "BUSL-1.1": BUSL,
    "FSL-1.1": FSL,
    "SSPL-1.0": f"Server Side Public License\nVERSION 1, OCTOBER 16, 2018\n\n{APACHE}",
    "Elastic-2.0": f"{ELASTIC}\nFormerly: {APACHE}",
    "CC-BY-NC": "Creative Commons Attribution-NonCommercial 4.0 International",
    "for no commerce": f"{MIT}\nOnly for non-commercial use.\n",
    "additional terms": f"{APACHE}\nThe following additional terms apply: pay Somebody.\n",
    "a name alone": "Until 2025 this was under the Apache License, Version 2.0.",
    "a stub": "See https://example.com/licence",
    "empty": "",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_known_text_is_known(name: str) -> None:
    text, expected = GOOD[name]
    assert licences(text) == expected


@pytest.mark.parametrize("name", BAD)
def test_a_text_that_asks_for_more_is_refused(name: str) -> None:
    found = licences(BAD[name])
    print(found)
    assert refusal(Package("go", "example.com/one", "v1", conjunction(found), ("loki",)))


def installed(folder: Path, *said: str, texts: dict[str, str], version: str = "1") -> str:
    """The licence of a package that says this of itself."""
    info = folder / "greenback.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.4\nName: greenback\nVersion: {version}\n"
    (info / "METADATA").write_text(head + "".join(f"{line}\n" for line in said))
    for name, text in texts.items():
        (info / name).write_text(text)
    (info / "RECORD").write_text("".join(f"{info.name}/{name},,\n" for name in texts))
    (distribution,) = metadata.distributions(path=[str(folder)])
    return python_packages.licence(distribution)


DECLARED = "License-Expression: MIT"
CLASSIFIER = "Classifier: License :: OSI Approved :: MIT License"


@pytest.mark.parametrize("said", [DECLARED, CLASSIFIER])
def test_what_a_package_declares_holds_where_its_texts_do_not_gainsay_it(
    said: str, tmp_path: Path
) -> None:
    assert installed(tmp_path, said, texts={"LICENSE": MIT}) == "MIT"


@pytest.mark.parametrize("said", [DECLARED, CLASSIFIER])
@pytest.mark.parametrize(
    "texts",
    [{"LICENSE": BAD["JSON"]}, {"LICENSE": MIT, "LICENSE.2": BAD["Commons Clause"]}],
    ids=["one file", "a second file"],
)
def test_a_declared_licence_does_not_hide_what_the_text_asks_for(
    said: str, texts: dict[str, str], tmp_path: Path
) -> None:
    assert installed(tmp_path, said, texts=texts) == UNKNOWN


def test_a_text_of_gnus_is_to_be_declared(tmp_path: Path) -> None:
    declared = "License-Expression: LGPL-3.0-or-later"
    lesser = GPL_3.replace("GNU GENERAL", "GNU LESSER GENERAL")
    for number, (said, text, expected) in enumerate(
        [
            (DECLARED, GPL_3, UNKNOWN),
            (declared, lesser, "LGPL-3.0-or-later"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert installed(folder, said, texts={"COPYING": text}) == expected


def test_what_was_decided_for_a_version_says_nothing_of_another(tmp_path: Path) -> None:
    (version,) = (each[2] for each in DECIDED if each[:2] == ("python", "greenback"))
    (tmp_path / "same").mkdir()
    (tmp_path / "next").mkdir()
    text = {"LICENSE": "It depends."}
    same = installed(tmp_path / "same", texts=text, version=version)
    assert same == DECIDED["python", "greenback", version][0]
    assert installed(tmp_path / "next", texts=text, version=f"{version}.1") == UNKNOWN
