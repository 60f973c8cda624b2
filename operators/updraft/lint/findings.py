"""The rules of the linter, each with its reason, and what a rule finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

# Seconds of the processor that a file may take beyond `import airflow.sdk`, and one import in it.
PARSE_SECONDS = 0.6
IMPORT_SECONDS = 0.4

RULES = {
    "import-error": "the DAGs of a file that can't be imported don't exist, neither in the UI nor "
    "for the scheduler",
    "parse-time": "the file is parsed every half minute, and again by each of its tasks: what it "
    "takes is taken from every one of them",
    "heavy-import": "an import at the top of the file is paid at every parse and by every task, "
    "whether or not it uses the module",
    "top-level-call": "what stands outside of tasks runs at every parse, day and night: it loads "
    "the other side, and when that is down, the DAG is gone",
    "unstable": "a value that is another one at each parse makes a new version of the DAG every "
    "half minute, and its tasks can't be repeated with the same result",
    "owner": "whoever finds the task failed at night looks here for whom to ask",
    "docs": "whoever finds the task failed at night reads here what it does, and whether it may be "
    "run again",
    "retries": "networks and nodes fail: without retries each such moment fails the whole run",
    "deadline": "a run that hangs, or that never started, fails no task and so alerts nobody",
    "pod-size": "a pod that is larger than the quota of all tasks is never started",
    "dag-id": "of two DAGs with one id the last one parsed wins, in turns",
    "mapped-name": "a mapped task that failed is called 0 to n in the UI: nobody sees which item "
    "it was",
    "ignore": "an exception without a reason, or to a rule that isn't there, can't be judged later",
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that a rule found.

    Args:
        path: The file.
        line: Where in it.
        rule: Which rule.
        what: What is wrong, as a sentence without a full stop.
        fix: How to mend it.
        last: The last line of the statement that it is about.

    Example:
        >>> found = Finding(Path("dags/sales.py"), 7, "owner", "DAG sales: no owner", "name one")
        >>> print(str(found).splitlines()[0])
        dags/sales.py:7: owner: DAG sales: no owner
    """

    path: Path
    line: int
    rule: str
    what: str
    fix: str
    last: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.path}:{self.line}: {self.rule}: {self.what}",
                f"    why: {RULES[self.rule]}",
                f"    fix: {self.fix}",
            ]
        )

    @property
    def lines(self) -> range:
        """The lines of the statement that it is about."""
        return range(self.line, max(self.line, self.last) + 1)
