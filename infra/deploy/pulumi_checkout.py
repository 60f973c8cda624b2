"""A stack of the checkout itself, which its users deploy by `pulumi up`, in their own backend."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from infra.deploy.pulumi_engine import Engine, refuse_missing_programs
from infra.output import Print
from infra.root import ROOT
from infra.settings import PROJECT
from infra.settings.platform import named
from infra.settings.prefix import own_keys
from infra.settings.stack import decoded, merge


class CheckoutEngine(Engine):
    """Pulumi's CLI on the checkout, with the user's login.

    Args:
        stack: The stack's name.
        scratch: An empty folder for files of a run.
        output: Told what happens, a line at a time.
    """

    def __init__(self, stack: str, scratch: Path, output: Print) -> None:
        super().__init__({}, stack, scratch, output)
        self.project = ROOT
        self.folder.mkdir(mode=0o700, parents=True)

    def prepare(self) -> None:
        """Read the stack's settings, secret ones too.

        Raises:
            UpdraftError: A program is missing, or there is no such stack.
        """
        refuse_missing_programs()
        rows = json.loads(self.run("config", "--json", "--show-secrets"))
        areas = own_keys(rows, where=f"stack {self.stack}")
        given = {area: _value(rows[key]) for area, key in areas.items()}
        self.config = merge(named(PROJECT, self.stack_name), given)

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)


def _value(row: dict[str, Any]) -> object:
    return row["objectValue"] if "objectValue" in row else decoded(row["value"])
