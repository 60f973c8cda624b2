"""The tests of the project: tier by tier after lint, or by the groups of the slow ones."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

from infra.cli import image_plan, slow
from infra.cli.ahead import Ahead, install_packages
from infra.cli.lint import lint
from infra.cli.options import flag
from infra.errors import UpdraftError
from infra.local import packages
from infra.local.paths import Paths
from infra.local.programs import NODE_TOOLS, TOOLS
from infra.local.shell import UMASK
from infra.local.tools import ToolCache
from infra.output import Output
from infra.root import ROOT

CLUSTER_TESTS = slow.FOLDER
# No more than there are processors: some tests have limits of time, which a crowd would break.
_WORKERS = min(os.cpu_count() or 1, 4)
# Of the package that DAG authors use; lines and branches, in per cent.
_LEAST_COVERAGE = 95
# Of what make hands on, the one variable that the tests read themselves.
_OF_THE_TESTS = {"AIRFLOW_CHART"}


def instance() -> str:
    """The tests' own instance: never a user's platform, the same for each run of a checkout."""
    return f"test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"


def environment() -> dict[str, str]:
    """The environment of the tests: what was asked of make says nothing about a platform of theirs.

    Raises:
        UpdraftError: The Makefile doesn't say what it hands on.
    """
    makefile = ROOT / "Makefile"
    handed_on = re.search(r"^VARIABLES := (.+)$", makefile.read_text(), re.MULTILINE)
    if not handed_on:
        raise UpdraftError("no line begins with VARIABLES :=", where=str(makefile))
    left_out = set(handed_on[1].split()) - _OF_THE_TESTS
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    return own | {"INSTANCE": instance()}


def test(*, fast: bool, pytest: list[str]) -> int:
    """Run lint and the tests; the cluster tests last, on a cluster of their own, then no more.

    Args:
        fast: Whether to leave out what needs a cluster.
        pytest: Arguments of pytest in place of its own.

    Returns:
        0 when everything passed.
    """
    with ExitStack() as ahead:
        compiling = _begin_ahead(ahead, fast=fast)
        _install_browser()
        started = time.monotonic()
        linted = lint()
        print(f"tier lint: {time.monotonic() - started:.0f} s", flush=True)
        more = ["--compiling"] if compiling else []
        runs = _runs(fast=fast, pytest=pytest)
        tested = [_pytest([*arguments, *more]) for arguments in runs]
    if linted:
        print("lint failed, see above", file=sys.stderr)
    if not fast:
        _tell_of_old_records()
    # What a signal ended has a negative exit code.
    return int(any([linted, *tested]))


def test_slow(*, group: str | None) -> int:
    """Run the slow tests, group by group; with RECORD=1, record each that passed.

    Args:
        group: The one to run; None for all, one after the other.

    Returns:
        0 when everything passed.

    Raises:
        UpdraftError: No such group, or RECORD=1 with changes that are not committed.
    """
    groups = slow.chosen(group)
    record = slow.Record() if flag("RECORD") else None
    commit = record.tested_commit() if record else ""
    _install_browser()
    results = {}
    for name in groups:
        started = time.monotonic()
        results[name] = _pytest(["--slow", name, str(CLUSTER_TESTS)])
        seconds = time.monotonic() - started
        print(f"group {name}: exit code {results[name]}, {seconds:.0f} s", flush=True)
        if record and results[name] == 0:
            record.add(name, commit, seconds)
    failed = [name for name, code in results.items() if code]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(any(results.values()))


def _begin_ahead(ahead: ExitStack, *, fast: bool) -> bool:
    """Begin to make what is missing for the tests beside them; tell whether programs are."""
    cache = Paths.for_instance().cache
    wanted = TOOLS.keys() - NODE_TOOLS if fast else TOOLS.keys()
    missing = ToolCache(cache).missing(wanted)
    if not missing:
        return False
    logs = cache / "tests" / instance()
    ahead.callback(Ahead("tools", missing, logs).end)
    if not fast:
        try:
            install_packages(cache, print)
            ahead.callback(Ahead("images", image_plan.PLATFORM_IMAGES, logs).end)
        except UpdraftError as error:
            print(f"no image is built meanwhile: {error}", flush=True)
    print(f"{len(missing)} programs are compiled meanwhile; {logs}/tools.log tells how far it is")
    return True


def _runs(*, fast: bool, pytest: list[str]) -> list[list[str]]:
    """The arguments of each run of pytest: what needs no cluster goes side by side."""
    if pytest and not fast:
        return [pytest]
    without = [f"--ignore={CLUSTER_TESTS}", "-n", str(_WORKERS)]
    if fast:
        return [[*without, "-m", "not apiserver", *pytest]]
    measured = ["--cov=updraft", "--cov-branch", "--cov-report=term:skip-covered"]
    return [[*without, *measured, f"--cov-fail-under={_LEAST_COVERAGE}"], [str(CLUSTER_TESTS)]]


def _tell_of_old_records() -> None:
    try:
        found = slow.Record().warnings()
    except UpdraftError as error:  # says nothing about what was tested now
        found = [str(error)]
    if found:
        Output().framed(["WARNING: slow tests that did not pass lately:", *found])


def _install_browser() -> None:
    """Install the browser that looks at Airflow's pages; those tests are skipped without it."""
    try:
        packages.ensure({"chromium": "chromium"}, Paths.for_instance().cache, print)
    except UpdraftError as error:
        print(f"no Chromium, so no test looks at Airflow's pages: {error}", flush=True)


def _pytest(arguments: list[str]) -> int:
    """Run pytest; when this command is ended, let it take its cluster down first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, start_new_session=True, umask=UMASK,
    )  # fmt: skip
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
