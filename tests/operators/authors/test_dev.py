"""`make dev` from its first page to its end: it runs DAGs, reads them again, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from infra.cli.airflow_api import AirflowApi
from infra.dev import environment, home, owner, pages
from infra.errors import UpdraftError
from infra.root import ROOT
from tests.waiting import wait_for
from updraft.testing.binaries import Account

INSTANCE = "test-dev-command"
# For a warm start; of the processor, since other tests may be using the rest of the machine.
WARM_SECONDS = 30.0


@dataclass
class Place:
    """Where a `make dev` of the tests has its state, its DAGs and its port."""

    state: Path
    dags: Path
    port: int

    @property
    def url(self) -> str:
        """Its UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        """What it says on the terminal."""
        return self.state / "output.txt"

    def command(self) -> list[str]:
        """Its command line."""
        options = ["--ui-port", str(self.port), "--instance", INSTANCE, "--dags", str(self.dags)]
        return [sys.executable, "-m", "infra.cli", "dev", *options]

    def variables(self) -> dict[str, str]:
        """Its environment."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "operators")])
        return {**os.environ, "UPDRAFT_STATE": str(self.state), "PYTHONPATH": path}

    def start(self) -> subprocess.Popen[bytes]:
        """Start it."""
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.command(), env=self.variables(), cwd=ROOT, stdout=output, stderr=output
            )


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    # PostgreSQL's user has to reach it, which is not so below pytest's own folder.
    folder = Account.able().folder()
    (folder / "dags").mkdir()
    shutil.copy(ROOT / "dags" / "dynamic_tasks.py", folder / "dags")
    yield Place(folder, folder / "dags", environment.free_port())
    shutil.rmtree(folder)


@contextmanager
def running(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """Airflow with its first page; killed at the end if it is still there."""
    started = time.monotonic()
    process = place.start()
    try:

        def ready() -> bool:
            assert process.poll() is None, place.output.read_text()
            return pages.answers(place.url)

        wait_for(ready, 120, f"the first page; it said {place.output.read_text()}")
        print(f"first page after {time.monotonic() - started:.1f} s")
        yield process
    finally:
        process.kill()
        process.wait()


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All processes that a `make dev` has begun, watchers and servers included."""
    begun = psutil.Process(process.pid).children(recursive=True)
    groups = {session(each) for each in begun} - {-1}
    return [each for each in psutil.process_iter(["name"]) if session(each) in groups]


def session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except OSError:
        return -1


def gone(processes: list[psutil.Process]) -> bool:
    return not any(map(runs, processes))


def runs(process: psutil.Process) -> bool:
    """Whether a process goes on; it may end while it is looked at."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def seconds_of(process: psutil.Process) -> float:
    """Seconds of the processor that a process has taken; 0 of one that has ended meanwhile."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def test_a_dag_runs_is_read_again_when_saved_and_a_kill_leaves_nothing(place: Place) -> None:
    with running(place) as process:
        api = AirflowApi(place.url, "anybody", "anything")
        wait_for(lambda: api.dag("dynamic_tasks"), 60, "the DAG")
        api.unpause("dynamic_tasks")
        run = api.trigger("dynamic_tasks", {"items": 2, "seconds": 0})
        wait_for(lambda: api.run("dynamic_tasks", run)["state"] == "success", 90, "the run")
        assert api.run("dynamic_tasks", run)["logical_date"], "its templates would lack a date"
        rows = api.task_instances("dynamic_tasks", run)
        print([(row.task_id, row.map_index, row.state) for row in rows])
        assert len(rows) == 4

        file = place.dags / "dynamic_tasks.py"
        file.write_text(file.read_text().replace('tags=["example"]', 'tags=["edited"]'))
        saved = time.monotonic()

        def tags() -> list[str]:
            return [tag["name"] for tag in (api.dag("dynamic_tasks") or {"tags": []})["tags"]]

        wait_for(lambda: tags() == ["edited"], 60, "the edited DAG")
        print(f"an edit shows after {time.monotonic() - saved:.1f} s")

        second = subprocess.run(
            place.command(), env=place.variables(), cwd=ROOT, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        print(second.stderr)
        assert second.returncode == 1
        assert f"make dev runs already: {place.url}" in second.stderr

        processes = family(process)
        print(f"{len(processes)} processes: {sorted({each.info['name'] for each in processes})}")
        assert len(processes) > 8
    wait_for(lambda: gone(processes), 40, "its processes to end")


def test_a_warm_start_is_quick_and_an_interrupt_ends_all(place: Place) -> None:
    with running(place) as process:
        seconds = sum(map(seconds_of, family(process)))
        print(f"of the processor: {seconds:.1f} s")
        broken = place.dags / "broken.py"
        broken.write_text("from airflow.sdk import dag\nimport no_such_module\n")
        wait_for(
            lambda: "No module named 'no_such_module'" in place.output.read_text(),
            60,
            "the terminal to tell of the broken file",
        )
        broken.unlink()
        processes = family(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        print(place.output.read_text())
        wait_for(lambda: gone(processes), 10, "every process to end")
    assert 2 < seconds < WARM_SECONDS


def test_a_port_that_is_taken_is_refused_before_anything_starts(place: Place) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", place.port))
        taken.listen()
        done = subprocess.run(
            place.command(), env=place.variables(), cwd=ROOT, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    print(done.stderr)
    assert done.returncode == 1
    assert f"the port {place.port} is taken" in done.stderr
    assert "make dev UI_PORT=" in done.stderr
    assert "PostgreSQL" not in done.stdout


def test_without_a_wish_the_first_free_port_is_taken() -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            print("somebody else has 8080")
        found = environment.ui_port(None)
    print(found)
    assert 8080 < found < 8080 + environment.TRIED


def test_a_folder_without_dags_is_an_error(place: Place) -> None:
    done = subprocess.run(
        [*place.command()[:-1], str(place.state / "none")], env=place.variables(), cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    print(done.stderr)
    assert done.returncode == 1
    assert str(place.state / "none") in done.stderr


def test_keys_are_made_once_and_reset_deletes_all(tmp_path: Path) -> None:
    made = home.Home(tmp_path, tmp_path / "postgres" / "data")
    first = made.keys()
    assert made.keys() == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    made.data.mkdir(parents=True)
    made.airflow.mkdir()
    made.reset()
    print(sorted(tmp_path.iterdir()))
    assert not made.data.exists()
    assert not made.airflow.exists()
    assert made.keys() != first


def test_a_lock_that_no_living_owner_holds_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "LEFTOVERS", 0.3)
    made = home.Home(tmp_path, tmp_path)
    with made.taken(), pytest.raises(UpdraftError, match="starting, or doesn't end") as caught:
        made.taken().__enter__()
    print(caught.value)
    with made.taken() as descriptor:
        assert descriptor > 0


def test_news_tell_what_changed() -> None:
    told = list(pages.news({"a", "b"}, {"b", "c"}, {"x.py": "old", "y.py": "e"}, {"x.py": "new"}))
    print(told)
    assert told == [
        "DAGs: c",
        "DAGs gone: a",
        "x.py can't be imported:\nnew",
        "y.py can be imported again",
    ]
    assert list(pages.news({"a"}, {"a"}, {"x.py": "e"}, {"x.py": "e"})) == []
