"""What a push of DAGs does and leaves, told a line a file."""

from __future__ import annotations

from infra.cli.dag_repository import Changes
from infra.cli.dags import Pushed
from infra.output import Print, printable


def tell_changes(output: Print, changes: Changes) -> None:
    """Tell what a push does, a line a file."""
    for word, paths in (
        ("adds", changes.added),
        ("changes", changes.changed),
        ("removes", changes.removed),
    ):
        for path in paths:
            output(f"{word:8} {printable(path)}")


def tell_left(output: Print, pushed: Pushed) -> None:
    """Tell by what the repository differs from the folder, a line a file, and what would end it."""
    left = pushed.left
    for reason, paths in (
        ("others pushed it", left.added),
        ("others pushed another version, which stays", left.changed),
        ("others removed it", left.removed),
    ):
        for path in paths:
            output(f"leaves   {printable(path)}: {reason}")
    if not pushed.whole:
        output("nothing was pushed from here before, so files are only added; make push-dags asks")
        output("whether it may change and remove some as well")
    elif left != Changes():
        output("make push-dags MIRROR=1 would make the repository equal to the folder")
