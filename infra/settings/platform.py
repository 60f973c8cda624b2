"""Whose the objects are: the identity that everything which Updraft makes bears."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from infra.settings.base import Area
from infra.settings.grammar.kubernetes import Label


class Platform(Area):
    """The platform's identity."""

    name: Label = Field(
        description="Its identity in the cluster: the label `updraft.dev/platform` of all that it "
        "makes, and the start of each name that is the whole cluster's; what bears another is not "
        "touched.",
        json_schema_extra={"default": "updraft-<stack>"},
    )


def named(project: str, stack: str) -> Mapping[str, object]:
    """Return the area as it is where a stack says nothing: project and stack, as a label takes it.

    Args:
        project: Pulumi's project.
        stack: The stack's name, such as prod; what a label doesn't take becomes a hyphen.
    """
    name = re.sub(r"[^a-z0-9]+", "-", f"{project}-{stack}".lower())
    return {"platform": {"name": name[:63].strip("-")}}
