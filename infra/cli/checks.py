"""The checks of the project: lint, and the tests tier by tier, each with its time."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.cli.options import DEFAULT_STACK
from infra.errors import UpdraftError
from infra.local import packages
from infra.local.paths import Paths
from infra.root import ROOT

PACKAGES = ("infra", "operators", "monitoring", "tests", "dags")
CLUSTER_TESTS = ROOT / "tests" / "cluster"
_SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
# Of the package that DAG authors use; lines and branches, in per cent.
_LEAST_COVERAGE = 95


def instance() -> str:
    """The tests' own instance: never a user's platform, the same for each run of a checkout."""
    return f"test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"


def lint() -> int:
    """Check style and types; 0 when both are clean."""
    present = [name for name in PACKAGES if (ROOT / name).is_dir()]
    results = [
        _run("ruff check", "ruff", "check", "."),
        _run("ruff format", "ruff", "format", "--check", "--quiet", "."),
        _run("mypy", "mypy", *present),
        _run("shellcheck", "shellcheck", *_shell_scripts()),
        lint_dags(stack=DEFAULT_STACK, paths=["dags"]),
    ]
    return max(results)


def lint_dags(*, stack: str, paths: list[str]) -> int:
    """Check DAG files, the size of their pods against a stack's quota; 0 when all is well.

    Raises:
        UpdraftError: There is no such stack.
    """
    from infra.dev import platform_options  # noqa: PLC0415 -- the settings need Pydantic

    command = [sys.executable, "-m", "updraft.lint", *paths]
    variables = os.environ | platform_options.variables(stack)
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def fmt() -> int:
    """Format the code and mend what ruff can."""
    return max(
        _run("ruff format", "ruff", "format", "."),
        _run("ruff check", "ruff", "check", "--fix", "."),
    )


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


def _run(title: str, program: str, *arguments: str) -> int:
    started = time.monotonic()
    command = [str(Path(sys.executable).parent / program), *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    result = "ok" if code == 0 else f"FAILED with exit code {code}"
    print(f"{title:<12} {result}, {time.monotonic() - started:.1f} s", flush=True)
    return code


def test(*, fast: bool, slow: bool, pytest: list[str]) -> int:
    """Run lint and the tests; the cluster tests last, on a cluster of their own, then no more.

    Args:
        fast: Whether to leave out what needs a cluster.
        slow: Whether to run also what waits for minutes on one.
        pytest: Arguments of pytest in place of its own.

    Returns:
        0 when everything passed.
    """
    started = time.monotonic()
    linted = lint()
    print(f"tier lint: {time.monotonic() - started:.0f} s", flush=True)
    # What was asked of make for a platform says nothing about the tests' own one.
    variables = {"CONTEXT", "ENGINE", "UI_PORT", "INSTANCE", "STACK", "SET", "DAG", "CONF"}
    environment = {k: v for k, v in os.environ.items() if k not in variables | {"YES", "PURGE"}}
    environment["INSTANCE"] = instance()
    _install_browser()
    more = ["--slow"] if slow else []
    runs = _runs(fast=fast, pytest=pytest)
    tested = max(_pytest([*arguments, *more], environment) for arguments in runs)
    if linted:
        print("lint failed, see above", file=sys.stderr)
    return linted or tested


def _runs(*, fast: bool, pytest: list[str]) -> list[list[str]]:
    """The arguments of each run of pytest: what needs no cluster goes side by side."""
    if pytest and not fast:
        return [pytest]
    without = [f"--ignore={CLUSTER_TESTS}", *_SIDE_BY_SIDE]
    if fast:
        return [[*without, "-m", "not apiserver", *pytest]]
    measured = ["--cov=updraft", "--cov-branch", "--cov-report=term:skip-covered"]
    return [[*without, *measured, f"--cov-fail-under={_LEAST_COVERAGE}"], [str(CLUSTER_TESTS)]]


def _install_browser() -> None:
    """Install the browser that looks at Airflow's pages; those tests are skipped without it."""
    try:
        packages.ensure({"chromium": "chromium"}, Paths.for_instance().cache, print)
    except UpdraftError as error:
        print(f"no Chromium, so no test looks at Airflow's pages: {error}", flush=True)


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest; when this command is ended, let it take its cluster down first."""
    command = [sys.executable, "-m", "pytest", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
