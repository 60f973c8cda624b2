"""What was chosen at the first run, kept so that no later run silently chooses otherwise."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError

EMBEDDED = "embedded"
OFFICIAL = "official"
PULUMI = "pulumi"
# What can't change in place, and how its first value is asked for.
FIXED = {
    "context": "CONTEXT",
    "engine": "ENGINE",
    "chart": "AIRFLOW_CHART",
    "stack": "STACK",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of a live platform.

    Args:
        context: The user's cluster; empty for the embedded one.
        engine: embedded or pulumi.
        chart: The chart's kind, official or embedded.
        chart_path: Where it lies.
        stack: Whose settings.
        registry: Where images are pushed; empty for none.
        ui_port: The UI's port on this machine.
        overrides: Settings on top of the stack's.
        images: References of the images that were built, by name; empty before they are.
        made_by: The version of the first run; empty for 0.1, which kept none.
    """

    context: str
    engine: str
    chart: str
    chart_path: str
    stack: str
    registry: str
    ui_port: int
    overrides: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""

    @property
    def embedded_cluster(self) -> bool:
        """Whether the cluster is ours."""
        return not self.context

    def with_set(self, overrides: Mapping[str, Any] | None) -> Choices:
        """The same with a new SET, where there is one, in place of the whole last one."""
        return self if overrides is None else dataclasses.replace(self, overrides=overrides)

    @property
    def cluster(self) -> str:
        """The cluster in words."""
        return f"context {self.context}" if self.context else "the embedded cluster"


def path_of(state: Path) -> Path:
    """The file of an instance's choices."""
    return state / "choices.json"


def read(state: Path) -> Choices | None:
    """The recorded choices; None before the first run.

    Raises:
        UpdraftError: The file isn't what was written.
    """
    path = path_of(state)
    try:
        return Choices(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UpdraftError(
            f"the record of this platform's choices can't be read: {error.strerror}",
            where=str(path),
            fix="have UPDRAFT_STATE name a folder that you may read, or unset it",
        ) from error
    except (ValueError, TypeError) as error:
        raise UpdraftError(
            f"the record of this platform's choices can't be read: {error}",
            where=str(path),
            fix="delete the file; the next make up asks anew and must be told the same as before",
        ) from error


def write(state: Path, choices: Choices) -> None:
    """Record the choices, whole or not at all, for their owner alone: SET may hold secrets."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = path_of(state)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(dataclasses.asdict(choices), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def refuse_change(recorded: Choices, asked: Choices) -> None:
    """Refuse what can't change on a live platform.

    Raises:
        UpdraftError: One of the fixed choices differs; all differences are named.
    """
    differing = [
        f"{variable}: it runs with {_shown(getattr(recorded, name))}, "
        f"asked for is {_shown(getattr(asked, name))}"
        for name, variable in FIXED.items()
        if getattr(recorded, name) != getattr(asked, name)
    ]
    if differing:
        raise UpdraftError(
            "this platform was made with another choice, which can't change in place",
            where="; ".join(differing),
            fix="leave the variable out to keep what runs; or make down (it deletes the data) "
            "and make up with the new choice; or INSTANCE=other for a second platform",
        )


def _shown(value: object) -> str:
    return str(value) or "the embedded cluster"
