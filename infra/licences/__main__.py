"""`make licences`: read the licence of each locked package and write the table of them."""

from __future__ import annotations

import sys

from infra.errors import UpdraftError
from infra.licences import go_modules, npm_packages, python_packages, table
from infra.licences.check import Locks, faults


def main() -> int:
    """Write the table; 0 where every licence in it may go into an image."""
    try:
        packages = [*python_packages.read(), *go_modules.read(), *npm_packages.read()]
    except UpdraftError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    locks = Locks.of_the_repository()
    page = table.text(packages, locks.inputs())
    table.PAGE.write_text(page)
    found = faults(table.parse(page), locks)
    told = (f"{table.PAGE}: {len(packages)} packages", *found)
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
