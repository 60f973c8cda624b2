"""What came of the checks: for XCom, for the log, and for the error of a task that fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from updraft.quality.base import Check, Finding, Outcome, Severity
from updraft.quality.quarantine import TooManyBadRowsError

# Characters of a cell of the table.
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check.

    Args:
        check: The check.
        finding: What it found, among the rows that stay.
        quarantined: How many rows that break it were moved aside.

    Example:
        >>> from updraft.quality import NotNull
        >>> result = Result(NotNull("id"), Finding(False, "1 of 9 rows", "no NULL", 1))
        >>> result.outcome, result.as_dict()["offending"]
        (<Outcome.FAILED: 'failed'>, 1)
    """

    check: Check
    finding: Finding
    quarantined: int = 0

    @property
    def outcome(self) -> Outcome:
        """What became of the check."""
        if self.finding.holds:
            return Outcome.PASSED
        return Outcome.WARNED if self.check.severity is Severity.WARN else Outcome.FAILED

    def as_dict(self, *, keep: bool = True) -> dict[str, Any]:
        """Return it for XCom: texts, numbers and truths under fixed keys.

        Args:
            keep: Whether the row count is one for later runs to compare with.
        """
        found = self.finding
        counts = found.counts if keep else found.counts[:-1]
        return {
            "check": self.check.title,
            "kind": self.check.kind,
            "columns": list(self.check.columns),
            "severity": str(self.check.severity),
            "result": str(self.outcome),
            "observed": found.observed,
            "expected": found.expected,
            "offending": found.offending,
            "quarantined": self.quarantined,
        } | ({"counts": list(counts)} if found.counts else {})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of all checks.

    Args:
        results: What came of each, among the rows that stay.
        moved: How many rows were moved aside.
        refusal: Why the quarantine took no rows, where there were too many.
        samples: Values of rows that broke a check, by its name.

    Example:
        >>> Verdict([]).moved
        0
    """

    results: Sequence[Result]
    moved: int = 0
    refusal: TooManyBadRowsError | None = None
    samples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> list[Result]:
        """The results that fail the task."""
        return [each for each in self.results if each.outcome is Outcome.FAILED]


def table(verdict: Verdict) -> str:
    """Return the results as an aligned table, with samples where there are any."""
    results, samples = verdict.results, verdict.samples
    head = ["check", "severity", "result", "observed", "expected", "offending", "quarantined"]
    lines = [head + (["samples"] if samples else [])]
    for result in results:
        found = result.finding
        cells: list[Any] = [result.check.title, result.check.severity, result.outcome]
        cells += [found.observed, found.expected, found.offending, result.quarantined or None]
        cells += [", ".join(samples.get(result.check.title, ()))] if samples else []
        lines.append(["-" if each is None else _short(str(each)) for each in cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([padded[0], "  ".join("-" * width for width in widths), *padded[1:]])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
