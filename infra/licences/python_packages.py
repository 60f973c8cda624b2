"""The Python packages of the Airflow image, and what each says of its licence."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Set
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.errors import UpdraftError
from infra.images.recipes import containerfile
from infra.licences import texts
from infra.licences.allowed import DECIDED
from infra.licences.package import UNKNOWN, Package, conjunction
from infra.root import ROOT

KIND: Final = "python"
LOCK: Final = ROOT / "requirements" / "airflow.txt"
_IMAGES: Final = ("airflow",)
_CLASSIFIER: Final = "License :: OSI Approved :: "
# Classifiers that name one licence; "BSD License" and the like leave it open.
_CLASSIFIERS: Final = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}


def image_python() -> str:
    """The Python of the Airflow image, such as 3.13.

    Raises:
        UpdraftError: Its Containerfile names none.
    """
    file = ROOT / containerfile("airflow")
    found = re.search(r"python(3\.\d+)-venv", file.read_text())
    if not found:
        raise UpdraftError("no Python is installed in the image", where=str(file))
    return found[1]


def locked(lock: str) -> dict[str, str]:
    """The version of each package that a lock's text brings into the image, by its name."""
    python = image_python()
    linux: dict[str, str | Set[str]] = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "python_version": python,
        "sys_platform": "linux",
    }
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*?)\s*(?:\\)?$", lock, re.MULTILINE)
    wanted = [
        each
        for each in map(Requirement, lines)
        if each.marker is None or each.marker.evaluate(linux)
    ]
    return {canonicalize_name(each.name): str(each.specifier)[2:] for each in wanted}


def licence(distribution: metadata.Distribution) -> str:
    """The SPDX expression of an installed package, by the surest of what it says."""
    said = distribution.metadata
    name = canonicalize_name(distribution.name)
    if decided := DECIDED.get((KIND, name, distribution.version)):
        return decided[0]
    files = _texts(distribution)
    # What a package declares does not take back what its own text asks for.
    if any(map(texts.has_conditions, files)):
        return UNKNOWN
    found = set().union(*map(texts.licences, files))
    for field in ("License-Expression", "License"):
        if expression := _expression(" ".join(said.get_all(field) or ())):
            return UNKNOWN if _undeclared(found, expression) else expression
    if found:
        return conjunction(found)
    classifiers = {
        _CLASSIFIERS.get(each.removeprefix(_CLASSIFIER), UNKNOWN)
        for each in said.get_all("Classifier") or ()
        if each.startswith("License ::")
    }
    return classifiers.pop() if len(classifiers) == 1 else UNKNOWN


def packages(distributions: Iterable[metadata.Distribution]) -> list[Package]:
    """Those of the installed packages that the lock brings into the image, at its versions."""
    wanted = locked(LOCK.read_text())
    found = {str(canonicalize_name(each.name)): each for each in distributions}
    return [
        Package(KIND, name, version, licence(found[name]), _IMAGES)
        for name, version in sorted(wanted.items())
        if name in found and found[name].version == version
    ]


def read() -> list[Package]:
    """Install the lock for the image's Python into a folder, and read each package there.

    Raises:
        UpdraftError: It can't be installed.
    """
    with tempfile.TemporaryDirectory(prefix="updraft-licences-") as folder:
        command = (
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", folder),
            *("--python-version", image_python(), "--python-platform", "linux", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)),
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UpdraftError(
                f"the image's packages can't be installed: {done.stderr.strip()[-600:]}",
                where=str(LOCK),
                fix="see that the package index of pip's settings is reached",
            )
        return packages(metadata.distributions(path=[folder]))


def _expression(text: str) -> str:
    """The text as an SPDX expression; empty where it is none."""
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return ""


def _undeclared(found: Set[str], expression: str) -> bool:
    """Whether a text is one of GNU's licences, and the expression names none of its version."""
    gnu = (each.removesuffix("-only") for each in found if "GPL" in each)
    return any(each not in expression for each in gnu)


def _texts(distribution: metadata.Distribution) -> list[str]:
    files = [
        Path(str(file.locate()))
        for file in distribution.files or ()
        if ".dist-info" in file.parts[0] and texts.is_licence(Path(file))
    ]
    return [file.read_text(errors="replace") for file in files if file.is_file()]
