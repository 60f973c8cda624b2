"""Pulumi's failures as Updraft's errors: the lines that tell, and the way out."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import UpdraftError

_FIXES = (
    (
        "already exists",
        "what is there is not taken over: `make adopt` lists it and imports what is the platform's",
    ),
    ("currently locked", "another `pulumi` works on this stack: wait for it, or end it"),
    ("incorrect passphrase", "put back the file passphrase beside the state, from a copy"),
    ("no resource plugin", "install the plugin of that version, or use ENGINE=embedded"),
    ("failed to discover", "check that the context's cluster answers: kubectl --context … version"),
    (
        "no matches for kind",
        "install what defines it, for mode operator the Prometheus Operator's definitions",
    ),
    ("context deadline exceeded", "look at the pods that are not ready: `make status`"),
    ("another operation (install/upgrade/rollback) is in progress", "run it again"),
)
_MARKS = ("error:", "updraft.", "where:", "fix:", "found ", "allowed:")
_LONGEST = 25


def explain(command: str, lines: Sequence[str]) -> UpdraftError:
    """Return the error for a failed command's output."""
    text = "\n".join(lines)
    telling = [line for line in lines if any(mark in line.lower() for mark in _MARKS)]
    said = "\n".join(f"  {line.strip()}" for line in (telling or list(lines))[-_LONGEST:])
    fix = next((fix for mark, fix in _FIXES if mark in text), "see the lines above, then run again")
    return UpdraftError(f"`pulumi {command}` failed:\n{said}", where="engine pulumi", fix=fix)
