"""A fault in a stack, told by Pulumi as Updraft tells its own."""

from __future__ import annotations

import pulumi

from infra.errors import UpdraftError


class StackError(UpdraftError, pulumi.RunError):
    """A fault in the stack, which Pulumi tells without a traceback."""
