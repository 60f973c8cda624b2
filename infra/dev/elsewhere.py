"""The folder outside of the state where root's `make dev` keeps its databases, and whose it is.

It is found by the instance's name alone, and two states may have an instance of one name.
"""

from __future__ import annotations

from pathlib import Path

from infra.errors import UpdraftError
from infra.local.paths import Paths, unwritable


def holds_data(paths: Paths) -> bool:
    """Whether there is anything in it."""
    return (paths.elsewhere / "dev").exists()


def holds_ours(paths: Paths) -> bool:
    """Whether there is anything of this state in it."""
    return holds_data(paths) and owner(paths) == paths.state


def owner(paths: Paths) -> Path | None:
    """The state folder that it belongs to; None where that is not known."""
    try:
        named = _name(paths).read_text().strip()
    except OSError:
        named = ""
    if named:
        return Path(named)
    # What an older version made names no state: it is of the one that keeps the keys for it, and
    # has no databases within.
    dev = paths.state / "dev"
    keeps_keys = (dev / "secrets.json").exists() and not (dev / "postgres").exists()
    return paths.state if keeps_keys else None


def claim(paths: Paths) -> None:
    """Make it this state's, where it is not another's.

    Raises:
        UpdraftError: It is, or whose it is can't be known.
    """
    found = owner(paths)
    if holds_data(paths) and found != paths.state:
        raise UpdraftError(
            "where the databases would be kept lie those of another state",
            where=f"{paths.elsewhere}, of {found or 'one that it does not name'}",
            fix=_way_out(paths, found),
        )
    draft = _name(paths).with_suffix(".draft")
    try:
        paths.elsewhere.mkdir(parents=True, exist_ok=True)
        draft.write_text(f"{paths.state}\n")
        draft.replace(_name(paths))
    except OSError as error:
        raise unwritable(paths.elsewhere, error) from error


def _way_out(paths: Paths, found: Path | None) -> str:
    if found is None:
        return (
            f"write {paths.state} into {_name(paths)} if they are of this state; "
            "or INSTANCE=other for databases beside them"
        )
    return (
        f"UPDRAFT_STATE={found.parent} names that one, for make dev to use them or make down to "
        "delete them; or INSTANCE=other for databases beside them"
    )


def _name(paths: Paths) -> Path:
    return paths.elsewhere / "state"
