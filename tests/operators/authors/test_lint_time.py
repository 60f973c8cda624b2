"""The linter judges a file by its own work, and lets it reach nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.operators.authors.lint_samples import SLOW_MODULE
from updraft.lint import yardstick
from updraft.lint.findings import PARSE_SECONDS
from updraft.lint.watching import RefusedError, Watch

# Parses a file where eight others want the one processor that it may use.
CROWDED = """
import json, os, sys, time
from updraft.lint.watching import Watch
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
own = os.getpid()
for _ in range(8):
    if not os.fork():
        while os.getppid() == own:
            pass
        os._exit(0)
began = time.perf_counter()
watch = Watch(sys.argv[1])
watch.run()
print(json.dumps([watch.seconds, time.perf_counter() - began]))
"""


def test_a_file_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.lint import child  # noqa: PLC0415 -- imports Airflow

    file = tmp_path / "endless.py"
    file.write_text("while True:\n    pass\n")
    monkeypatch.setattr(child, "TIMEOUT", 1.0)
    facts = child._quickest(str(file), str(tmp_path))
    print(facts)
    assert facts["error"].startswith("it took longer than 1 s; on a busy machine")
    assert facts["seconds"] == 1.0


def test_a_slow_machine_makes_no_file_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from updraft.lint import child  # noqa: PLC0415 -- imports Airflow

    file = tmp_path / "works.py"
    file.write_text(SLOW_MODULE)
    monkeypatch.setattr(yardstick, "measure", lambda: yardstick.SECONDS / 4)
    here = child._forked(partial(child._parsed, str(file), str(tmp_path)))["seconds"]
    monkeypatch.setattr(yardstick, "measure", lambda: yardstick.SECONDS * 10)
    there = child._forked(partial(child._parsed, str(file), str(tmp_path)))["seconds"]
    print(here, there)
    assert here > PARSE_SECONDS > there > 0


def test_the_yardstick_takes_as_long_as_it_says() -> None:
    assert 0.2 * yardstick.SECONDS < yardstick.measure() < 20 * yardstick.SECONDS


def test_a_file_is_not_slow_because_others_have_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "works.py"
    file.write_text(
        "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end:\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", CROWDED, str(file)], capture_output=True, text=True, check=True
    )
    judged, passed = json.loads(done.stdout)
    print(f"judged {judged:.2f} s, passed {passed:.2f} s")
    assert passed > 1.5
    assert judged < 0.6


def test_a_file_that_only_waits_is_slow(tmp_path: Path) -> None:
    file = tmp_path / "waits.py"
    file.write_text("import time\ntime.sleep(1.1)\n")
    watch = Watch(str(file))
    watch.run()
    print(watch.seconds)
    assert watch.seconds > PARSE_SECONDS


def test_what_reaches_out_is_noted_and_refused_and_a_program_is_only_noted() -> None:
    watch = Watch("dags/sales.py")
    with pytest.raises(RefusedError, match="the name example"):
        watch._audit("socket.getaddrinfo", ("example.com", 80))
    watch._audit("subprocess.Popen", ("true", ["true"]))
    watch._audit("open", ("file", "r"))
    print(watch.calls)
    assert [what for _, what in watch.calls] == [
        "a look-up of the name example.com",
        "the program true",
    ]
