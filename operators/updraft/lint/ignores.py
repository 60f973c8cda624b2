"""Reads the comments by which an author accepts a finding, each with its reason."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from updraft.lint.findings import RULES, Finding

COMMENT = re.compile(r"#\s*lint:\s*ignore(?P<rules>\[[^]]*\])?(?P<reason>.*)")
# Such a comment is a finding itself, and nothing accepts that.
OWN = "ignore"


def without_accepted(found: Iterable[Finding], path: Path, text: str) -> Iterator[Finding]:
    """Yield the findings of a file that no comment accepts, and those about the comments.

    Args:
        found: What the rules found in the file.
        path: The file.
        text: Its source.
    """
    accepted: set[tuple[int, str]] = set()
    for line, rules, reason in _comments(text):
        wrong = sorted(set(rules) - set(RULES) | ({OWN} & set(rules)))
        if wrong or not rules or not reason:
            named = f"there is no rule {', '.join(wrong)}" if wrong else "its rule is missing"
            what = named if wrong or not rules else "its reason is missing"
            fix = "write it as: # lint: ignore[rule] the reason; --help lists the rules"
            yield Finding(path, line, OWN, f"an exception is not valid: {what}", fix)
            continue
        accepted |= {(line, rule) for rule in rules}
    for finding in found:
        if not any((line, finding.rule) in accepted for line in finding.lines):
            yield finding


def _comments(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Each such comment: the line that it is about, its rules and its reason."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match = COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match:
            rules = [each.strip() for each in (match["rules"] or "").strip("[]").split(",")]
            line = token.start[0]
            yield _about(lines, line), [each for each in rules if each], match["reason"].strip()


def _about(lines: list[str], line: int) -> int:
    """The line itself, or the next one with code where the comment stands alone."""
    while line < len(lines) and re.match(r"\s*(#|$)", lines[line - 1]):
        line += 1
    return line
