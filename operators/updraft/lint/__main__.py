"""Check DAG files: `python -m updraft.lint [paths]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from updraft.lint.findings import RULES, Finding
from updraft.lint.ignores import without_accepted
from updraft.lint.parsing import parse
from updraft.lint.rules import across, of_file
from updraft.lint.source import Source

CLEAN, FOUND, UNABLE = 0, 1, 2


def check(paths: Iterable[Path]) -> tuple[list[Finding], int]:
    """Return what is wrong with the DAG files of some paths, and how many files there are.

    Args:
        paths: Files, and folders with files.

    Raises:
        FileNotFoundError: A path doesn't exist, or a folder holds no Python file.
        RuntimeError: airflow.sdk itself can't be imported.
    """
    files = {file: root for path in paths for file, root in _files(path)}
    # What is no UTF-8 can't be imported either, and its finding says so.
    texts = {file: file.read_text(encoding="utf-8", errors="replace") for file in files}
    found: list[Finding] = []
    whole = []
    for file, facts in parse(list(files.items())):
        try:
            source = Source(texts[file])
        except (SyntaxError, ValueError):  # the second for a null byte
            # The parse itself has failed by it, and says so.
            found += of_file(file, facts, Source(""))
            continue
        whole.append((file, facts, source))
        found += without_accepted(of_file(file, facts, source), file, texts[file])
    for finding in across(whole):
        found += without_accepted([finding], finding.path, texts[finding.path])
    return sorted(set(found)), len(files)


def _files(path: Path) -> Iterator[tuple[Path, Path]]:
    """The Python files of a path, each with the folder that its imports start from."""
    if path.is_file() and path.suffix == ".py":
        yield path, path.parent
        return
    found = [each for each in _python_files(path) if _says_so(each)]
    if not found:
        raise FileNotFoundError(f"{path} is no DAG file and no folder with one")
    for each in found:
        yield each, path


def passed_over(paths: Iterable[Path]) -> list[Path]:
    """Return the Python files below some folders in which Airflow does not look for a DAG."""
    folders = [path for path in paths if path.is_dir()]
    files = [each for path in folders for each in _python_files(path)]
    return [each for each in files if each.name != "__init__.py" and not _says_so(each)]


def _python_files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.rglob("*.py")) if each.is_file()]


def _says_so(file: Path) -> bool:
    """Whether Airflow imports a file: `[core] might_contain_dag_callable` looks for two words."""
    text = file.read_bytes().lower()
    return b"dag" in text and b"airflow" in text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m updraft.lint",
        description="Check DAG files; each finding says why it matters and how to mend it.",
        epilog="rules:\n"
        + "\n".join(f"  {name:15} {why}" for name, why in RULES.items())
        + "\n\nA comment on the line, or alone above it, accepts a finding:\n"
        "  # lint: ignore[rule] the reason\n\n"
        "exit codes: 0 nothing found, 1 something found, 2 the paths can't be checked",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("paths", nargs="*", type=Path, default=[Path("dags")], metavar="path")
    made.add_argument("--json", action="store_true", help="print the findings as a JSON list")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Check the paths of the command line and return the exit code."""
    options = parser().parse_args(arguments)
    try:
        found, files = check(options.paths)
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return UNABLE
    if options.json:
        rows = [asdict(each) | {"path": str(each.path), "why": RULES[each.rule]} for each in found]
        print(json.dumps(rows, indent=2))  # noqa: T201
    else:
        print("\n".join(map(str, found)) or f"nothing found; files checked: {files}")  # noqa: T201
        if others := passed_over(options.paths):
            names = ", ".join(map(str, others))
            print(f"no DAG files to Airflow, for want of the words dag and airflow: {names}")  # noqa: T201
    return FOUND if found else CLEAN


if __name__ == "__main__":
    sys.exit(main())
