"""The environment of the commands: made once, by hash, whoever else makes or kills it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.root import ROOT
from tests.waiting import wait_for

# As small as the real locks are large; its hash is in them.
PACKAGE = "iniconfig"
IMPORTS = ["-c", f"import {PACKAGE}, sys; print({PACKAGE}.__name__, sys.prefix)"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose lock names one small package."""
    script = tmp_path / "infra" / "cli" / "bootstrap.py"
    script.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "infra" / "cli" / "bootstrap.py", script)
    locks = tmp_path / "requirements"
    locks.mkdir()
    shutil.copyfile(ROOT / "requirements" / "uv.txt", locks / "uv.txt")
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    found = re.search(rf"^{PACKAGE}==.*(?:\n    .*)+", lock, re.M)
    assert found
    (locks / "infra.txt").write_text(found[0] + "\n")
    return tmp_path


def start(
    checkout: Path, *arguments: str, stderr: int = subprocess.STDOUT
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(checkout / "infra" / "cli" / "bootstrap.py"), "infra", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def test_two_at_once_make_one_environment_and_a_third_makes_nothing(checkout: Path) -> None:
    outputs = [finished(each) for each in [start(checkout, *IMPORTS) for _ in range(2)]]
    assert [f"{PACKAGE} {checkout / '.venv'}" in output for output in outputs] == [True, True]
    assert sum("Python packages of" in output for output in outputs) == 1
    assert "Python packages of" not in finished(start(checkout, *IMPORTS))


def test_one_that_was_killed_is_made_by_the_next(checkout: Path) -> None:
    killed = start(checkout)
    wait_for((checkout / ".venv" / "bin" / "python").exists, 60, "the environment to be begun")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (checkout / ".venv" / ".updraft-infra").exists()
    output, told = start(checkout, *IMPORTS, stderr=subprocess.PIPE).communicate(timeout=120)
    # A shell may evaluate the command's output, so what is told of packages is no part of it.
    assert output == f"{PACKAGE} {checkout / '.venv'}\n"
    assert "Python packages of" in told


def test_a_wrong_hash_is_refused(checkout: Path) -> None:
    lock = checkout / "requirements" / "infra.txt"
    lock.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))
    refused = start(checkout, *IMPORTS)
    output, _ = refused.communicate(timeout=120)
    assert refused.returncode == 1
    assert "can't be installed" in output
    assert "ash" in output, "the reason was not told"
    assert not (checkout / ".venv" / ".updraft-infra").exists()


def test_a_variable_that_would_install_elsewhere_or_something_else_is_not_heeded(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_TARGET", "PIP_PREFIX", "UV_TARGET", "UV_PREFIX", "PYTHONPATH"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE"):
        monkeypatch.setenv(name, "/not/there")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert f"{PACKAGE} {checkout / '.venv'}" in finished(start(checkout, *IMPORTS))
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_installed_is_compiled_once_whatever_the_environment_says(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    asked = ["-c", "import sys; print('written', not sys.dont_write_bytecode)"]
    assert "written True" in finished(start(checkout, *asked))
    [package] = checkout.glob(f".venv/lib/python*/site-packages/{PACKAGE}")
    assert list((package / "__pycache__").glob("__init__.*.pyc"))


def test_help_names_every_target_and_every_target_calls_a_command() -> None:
    environment = {**os.environ, "MAKEFLAGS": ""}
    told = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):", text, re.M)
    assert len(targets) >= 16
    assert [target for target in targets if f"  make {target} " not in told] == []
    called = re.findall(r"-m infra\.cli ([a-z-]+)", text)
    assert set(called) == set(targets) - {"help", "venv", "test-fast"}


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_what_a_variable_of_make_holds_reaches_the_command_as_it_was_typed(
    tmp_path: Path, by: str
) -> None:
    names = ("CONF", "ARGS", "SET", "LOG", "FILES")
    typed = f'{{"a": "$HOME $$x $(shell touch {tmp_path}/made) `id` 100%"}}'
    shown = tmp_path / "show.mk"
    lines = "".join(f"\t@printenv {name}\n" for name in names)
    shown.write_text(f"include Makefile\nshow:\n{lines}")
    words = [f"{name}={typed}" for name in names] if by == "argument" else []
    given = dict.fromkeys(names, typed) if by == "environment" else {}
    # Run by make test, this make would tell which folder it enters.
    command = ["make", "--no-print-directory", "-f", str(shown), "show", *words]
    environment = {**os.environ, "MAKEFLAGS": "", **given}
    told = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    print(told)
    assert told.splitlines() == [typed] * len(names)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("command", ["", "up", "down", "logs", "trigger", "render", "test"])
def test_every_command_explains_itself(command: str) -> None:
    words = [command] if command else []
    told = subprocess.run(
        [sys.executable, "-m", "infra.cli", *words, "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "usage: python -m infra.cli" in told


def test_doctor_answers_where_no_package_is_installed() -> None:
    told = subprocess.run(
        [sys.executable, "-S", "-m", "infra.cli", "doctor", "--ui-port", "1"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(told.stdout, told.stderr)
    assert told.stderr == ""
    assert "needs" in told.stdout
