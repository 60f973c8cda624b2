"""Style and types: what is wrong in the repository's files, found without running them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.cli.options import DEFAULT_STACK
from infra.root import ROOT

PACKAGES = ("infra", "operators", "monitoring", "tests", "dags")


def lint() -> int:
    """Check style and types; 0 when both are clean."""
    present = [name for name in PACKAGES if (ROOT / name).is_dir()]
    dags, variables = _dag_linter(DEFAULT_STACK, ["dags"])
    # The longest one first: it keeps one processor busy while the others share the second.
    checks: list[tuple[str, list[str], Mapping[str, str]]] = [
        ("mypy", [_installed("mypy"), *present], os.environ),
        ("lint-dags", dags, variables),
        ("ruff check", [_installed("ruff"), "check", "."], os.environ),
        ("ruff format", [_installed("ruff"), "format", "--check", "--quiet", "."], os.environ),
        ("shellcheck", [_installed("shellcheck"), *_shell_scripts()], os.environ),
    ]
    with ThreadPoolExecutor(2) as pool:
        # What a signal ended has a negative exit code.
        return int(any(list(pool.map(lambda check: _run(*check), checks))))


def lint_dags(*, stack: str, paths: list[str]) -> int:
    """Check DAG files, the size of their pods against a stack's quota; 0 when all is well.

    Raises:
        UpdraftError: There is no such stack.
    """
    command, variables = _dag_linter(stack, paths)
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def fmt() -> int:
    """Format the code and mend what ruff can."""
    ruff = _installed("ruff")
    formatted = _run("ruff format", [ruff, "format", "."], os.environ)
    checked = _run("ruff check", [ruff, "check", "--fix", "."], os.environ)
    return int(any([formatted, checked]))


def _dag_linter(stack: str, paths: list[str]) -> tuple[list[str], Mapping[str, str]]:
    """The linter of DAG files, and its environment with the stack's quota."""
    from infra.dev import platform_options  # noqa: PLC0415 -- the settings need Pydantic

    command = [sys.executable, "-m", "updraft.lint", *paths]
    return command, os.environ | platform_options.variables(stack)


def _installed(program: str) -> str:
    """A program of this very environment."""
    return str(Path(sys.executable).parent / program)


def _shell_scripts() -> list[str]:
    """Every file under version control that a shell runs."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    return [name for name in listed if name and _is_shell(ROOT / name)]


def _is_shell(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash", b"env sh"))


def _run(title: str, command: list[str], variables: Mapping[str, str]) -> int:
    """Run a check; tell at its end what it said, in one piece, and how long it took."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=variables, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    code = done.returncode
    result = "ok" if code == 0 else f"FAILED with exit code {code}"
    print(f"{done.stdout}{title:<12} {result}, {time.monotonic() - started:.1f} s", flush=True)
    return code
