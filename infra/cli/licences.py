"""`make licences`: read the licence of each locked package and write the table of them."""

from __future__ import annotations

from infra.licences import go_modules, npm_packages, python_packages, table
from infra.licences.check import Locks, faults


def licences() -> int:
    """Write the table; 0 where every licence in it may go into an image.

    Raises:
        UpdraftError: A package, or a module, can't be had.
    """
    packages = [*python_packages.read(), *go_modules.read(), *npm_packages.read()]
    locks = Locks.of_the_repository()
    page = table.text(packages, locks.inputs())
    table.PAGE.write_text(page)
    found = faults(table.parse(page), locks)
    print(f"{table.PAGE}: {len(packages)} packages", *found, sep="\n")
    return 1 if found else 0
