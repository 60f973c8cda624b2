"""Has DAG files parsed, each in a process of its own, and hands on what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from updraft.lint.facts import FileFacts
from updraft.testing.home import environment

PACKAGES = Path(__file__).resolve().parents[2]


def parse(files: Sequence[tuple[Path, Path]]) -> Iterator[tuple[Path, FileFacts]]:
    """Yield the facts of each file; the user's own Airflow is neither read nor changed.

    Args:
        files: Each file, and the folder that its imports start from.

    Raises:
        RuntimeError: airflow.sdk itself can't be imported.
    """
    with tempfile.TemporaryDirectory(prefix="updraft-lint-") as folder:
        variables = os.environ | environment(Path(folder) / "airflow")
        # The child needs this package, too, however this process has found it.
        paths = [os.environ.get("PYTHONPATH", ""), str(PACKAGES)]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        done = subprocess.run(
            [sys.executable, "-m", "updraft.lint.child"],
            input=json.dumps([[str(file.resolve()), str(root.resolve())] for file, root in files]),
            env=variables, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(files):
        raise RuntimeError("the DAG files can't be parsed, see the message above")
    for (file, _), line in zip(files, lines, strict=True):
        facts: FileFacts = json.loads(line)
        yield file, facts
