"""The one exception that Updraft's own code raises for what a user can put right."""

from __future__ import annotations


class UpdraftError(Exception):
    """A fault that its reader can mend: what was wrong, where, and the way out.

    Args:
        what: The mistake in one sentence.
        where: The place: a file, a setting's key, a command or an object's name.
        fix: What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)
