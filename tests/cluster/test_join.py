"""What watches joins a platform that runs without it, and nothing that runs is touched by that."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.local.lock import hold
from infra.local.paths import Paths
from infra.local.programs import MONITORING_TOOLS
from infra.local.tools import ToolCache
from infra.root import ROOT
from tests.cluster import support
from tests.processes import marked
from tests.waiting import wait_for

pytestmark = pytest.mark.slow(group="node")
JOIN = "What watches, now that it is compiled"
# What the embedded engine says of each object that it prunes.
REMOVING = "removing "
WATCHING = {"collector", "kube-state-metrics", "loki", "prometheus", "statsd-exporter"}
# Of what the tests' cache starts with: what was built, and not what it was built from.
BUILT = ("tools", "images/archives", "images/programs", "images/node")


@dataclass
class Compiler:
    """A cache that lacks what watches, and whoever compiles it: this test, by giving it back.

    Args:
        whole: A cache with everything in it.
        cache: The new one.
    """

    whole: Path
    cache: Path
    _working: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> None:
        """Take what watches out of the cache, and hold the lock as a compiler does."""
        for name in BUILT:
            if (self.whole / name).exists():
                (self.cache / name).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(
                    ["cp", "-a", "--link", self.whole / name, self.cache / name], check=True
                )
        for record in (self.whole / "images").glob("base-*.json"):
            shutil.copy(record, self.cache / "images")
        for name in MONITORING_TOOLS.values():
            ToolCache(self.cache).path(name).unlink()
        self._working.enter_context(hold(ToolCache(self.cache).lock, "test", print))

    def finish(self) -> None:
        """Give the programs back."""
        for name in MONITORING_TOOLS.values():
            built = ToolCache(self.whole).path(name)
            os.link(built, ToolCache(self.cache).path(name))
        self._working.close()


class Up:
    """A make up that runs beside the test."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "up"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        self.said: list[str] = []

    def until(self, text: str) -> None:
        """Wait until it prints a text."""
        for line in self.process.stdout or ():
            self.said.append(line)
            if text in line:
                return
        pytest.fail(f"it ended before {text!r}: {''.join(self.said)}")

    def end(self) -> str:
        """Wait until it has ended well; all that it printed."""
        rest, _ = self.process.communicate()
        whole = "".join([*self.said, rest])
        print(whole)
        assert self.process.returncode == 0
        return whole


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    if os.geteuid() != 0:
        pytest.skip("the embedded cluster needs root")
    whole = Paths.for_instance().cache
    missing = ToolCache(whole).missing(MONITORING_TOOLS.values())
    if missing:
        pytest.fail(f"not compiled yet: {', '.join(missing)}; make up or make test does")
    instance = f"test-join-{os.getpid()}"
    cache = whole.with_name(f"{whole.name}-{instance}")
    variables = {"UPDRAFT_CACHE": cache, "INSTANCE": instance, "UI_PORT": support.free_port()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, str(value))
        patch.delenv("SET", raising=False)
        try:
            yield Compiler(whole, cache)
        finally:
            support.command("down", YES="1")
            shutil.rmtree(cache)


def pods(platform: Platform) -> dict[str, tuple[str, int]]:
    """The uid and the restarts of each pod of the control plane and of the tasks, by name."""
    return {
        pod["metadata"]["name"]: (pod["metadata"]["uid"], _restarts(pod))
        for namespace in (platform.namespace, platform.tasks_namespace)
        for pod in platform.kubectl.items("pods", "-n", namespace)
    }


def _restarts(pod: Any) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))


def watching(platform: Platform) -> set[str]:
    """Those of the servers that watch which were deployed."""
    found = platform.kubectl.items("deployments,statefulsets,daemonsets", "-A")
    return {workload["metadata"]["name"] for workload in found} & WATCHING


def compiling(compiler: Compiler) -> list[str]:
    """The processes that fill the cache beside a command."""
    found = marked("UPDRAFT_CACHE", str(compiler.cache)).values()
    return [command for command in found if "infra.cli.ahead" in command]


def test_killed_before_what_watches_joins_it_goes_on_and_disturbs_no_task(
    compiler: Compiler,
) -> None:
    compiler.begin()
    first = Up()
    first.until(JOIN)
    assert "see first: " in "".join(first.said), "who waits for the join is told where the UI is"
    first.process.send_signal(signal.SIGKILL)
    first.process.communicate()
    wait_for(lambda: not compiling(compiler), 30, "what the killed command had begun to end")
    platform = Platform.recorded(Options())
    assert watching(platform) == set()
    with platform.api() as api:
        report = support.start(api, support.DAG, items=2, seconds=90)
        watcher = platform.watcher(api)

        def both_run() -> bool:
            watcher.look(report)
            return [instance.state for instance in report.instances].count("running") == 2

        wait_for(both_run, 120, "two tasks that last")
        before = pods(platform)
        second = Up()
        second.until(JOIN)
        compiler.finish()
        told = second.end()
        after = pods(platform)
        print(before, after, sep="\n")
        assert before.items() <= after.items()
        assert watching(platform) == WATCHING
        support.finish(platform, api, report)
    assert report.state == "success"
    assert {number for _, _, number in report.pods} == {support.FIRST_TRY}
    assert REMOVING not in told
