"""Whether the table of licences covers what is locked, and each licence may go into an image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

from infra.images.page import LOCK as NPM
from infra.licences import go_modules, npm_packages, python_packages
from infra.licences.allowed import DECIDED, EXCEPTIONS, refusal
from infra.licences.table import COMMAND, PAGE, Table
from infra.root import ROOT

_ALLOWED: Final = "infra/licences/allowed.py"


@dataclass(frozen=True, slots=True)
class Locks:
    """What is locked now.

    Args:
        python: The text of the Airflow image's lock.
        npm: The text of the Platform page's lock.
        programs: A digest of what decides what is linked into the program of each image.
    """

    python: str
    npm: str
    programs: dict[str, str]

    @classmethod
    def of_the_repository(cls) -> Self:
        """The repository's own."""
        programs = {image: go_modules.inputs(image) for image in go_modules.PROGRAMS}
        npm = (NPM / "package-lock.json").read_text()
        return cls(python_packages.LOCK.read_text(), npm, programs)

    def inputs(self) -> dict[str, str]:
        """A digest of each, by what it is."""
        texts = {
            str(python_packages.LOCK.relative_to(ROOT)): self.python,
            str((NPM / "package-lock.json").relative_to(ROOT)): self.npm,
        }
        files = {
            name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()
        }
        return files | {f"the program in {image}": one for image, one in self.programs.items()}

    def packages(self) -> set[tuple[str, str, str]]:
        """Kind, name and version of each package that the locks themselves name."""
        python = python_packages.locked(self.python)
        found = {(python_packages.KIND, name, version) for name, version in python.items()}
        return found | {
            (each.kind, each.name, each.version) for each in npm_packages.packages(self.npm)
        }


def faults(table: Table, locks: Locks) -> list[str]:
    """What is wrong, a sentence each with the way out; nothing where all is well."""
    return [*_stale(table, locks), *_refused(table), *_idle(table)]


def _stale(table: Table, locks: Locks) -> list[str]:
    now, locked = locks.inputs(), locks.packages()
    there = {(each.kind, each.name, each.version) for each in table.packages}
    named = {each for each in there if each[0] not in go_modules.KINDS}
    return [
        *(
            f"{name} has changed since {PAGE.name} was written: {COMMAND}"
            for name in sorted(now.keys() | table.inputs.keys())
            if now.get(name) != table.inputs.get(name)
        ),
        *(f"{' '.join(each)} is locked, and {PAGE.name} has no licence of it: {COMMAND}"
          for each in sorted(locked - there)),
        *(f"{' '.join(each)} is in {PAGE.name}, and not locked: {COMMAND}"
          for each in sorted(named - locked)),
    ]  # fmt: skip


def _refused(table: Table) -> list[str]:
    return [
        f"{each.kind} {each.name} {each.version} (in {', '.join(each.images)}): {why}; use another "
        f"package, or write in {_ALLOWED} why it may be in an image"
        for each in table.packages
        if (why := refusal(each))
    ]


def _idle(table: Table) -> list[str]:
    there = {(each.kind, each.name) for each in table.packages}
    versions = {(each.kind, each.name, each.version) for each in table.packages}
    decided = {each[:2]: each[2] for each in DECIDED.keys() - versions}
    return [
        *(
            f"{' '.join(each)} is in no image any more: take it out of {_ALLOWED}"
            for each in sorted((EXCEPTIONS.keys() | decided.keys()) - there)
        ),
        *(
            f"{' '.join(each)} has another version than {version}, for which {_ALLOWED} says what "
            "its licence is: read the new one's, and write that version there"
            for each, version in sorted(decided.items())
            if each in there
        ),
    ]
