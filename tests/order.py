"""The order of the tests: what takes longest first, and what awaits a compiler at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Folders whose files share what is dear to start, so one worker runs all of them.
TOGETHER = ("operators/logs", "operators/platform", "render")
# Else a worker ends with one of these while the others have nothing left. A run of all tells which
# file has come to take longer than one of them.
LONGEST = (
    "operators/platform",
    "monitoring/logs/test_delivery.py",
    "operators/authors/test_dev.py",
    "render",
    "operators/logs",
    "operators/ui/test_browser.py",
    "unit/test_cli_bootstrap.py",
    "monitoring/rules/test_slo.py",
    "operators/transfer/test_kills.py",
    "operators/authors",
    "operators/exporter",
    "unit/test_program.py",
)
# What runs programs that are compiled from Go, in the order in which those are.
COMPILED = (
    *("render", "operators/test_cleanup.py", "monitoring/logs", "operators/logs"),
    *("operators/platform", "monitoring"),
)
# The quick ones first; what needs a cluster last.
TIERS = ("unit", "render", "dags", "operators", "monitoring", "cluster")


def place(file: str, *, compiling: bool) -> tuple[int, ...]:
    """Where the tests of a file come.

    Args:
        file: It, below tests/.
        compiling: Whether a compiler makes, beside the tests, what some of them run.
    """
    tier = file.split("/", maxsplit=1)[0]
    waiting = _index(COMPILED, file)
    return (
        # A cluster's tests have an order of their own.
        tier == "cluster",
        waiting + 1 if compiling and waiting < len(COMPILED) else 0,
        _index(LONGEST, file),
        TIERS.index(tier) if tier in TIERS else len(TIERS),
    )


def unlisted(seconds: Mapping[str, float]) -> list[str]:
    """The files that took longer than something in LONGEST, and are not in it.

    Args:
        seconds: What each file took, by its path from the repository; nothing is told unless all
            that is in LONGEST ran.
    """
    took = [0.0] * len(LONGEST)
    others = {}
    for path, spent in seconds.items():
        file = path.removeprefix("tests/")
        place = _index(LONGEST, file)
        if place < len(LONGEST):
            took[place] += spent
        elif not file.startswith("cluster/"):
            others[path] = spent
    least = min(took)
    return sorted(path for path, spent in others.items() if spent > least > 0)


def unit(file: str) -> str:
    """What one worker runs whole: a file, or a folder whose files share what they start."""
    index = _index(TOGETHER, file)
    return TOGETHER[index] if index < len(TOGETHER) else file


def _index(prefixes: Sequence[str], file: str) -> int:
    """Which of the files and folders a file is, or is in; their number where it is none."""
    found = (
        number for number, prefix in enumerate(prefixes) if f"{file}/".startswith(f"{prefix}/")
    )
    return next(found, len(prefixes))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives pytest-xdist's workers whole units, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid.split("::", maxsplit=1)[0].removeprefix("tests/"))
