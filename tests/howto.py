"""Follows a how-to as its reader does: writes its files and runs its commands, in its order."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.root import ROOT
from tests.waiting import wait_for

# A block, and the comment or the file's name right before it.
BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>\w+) -->\n|`(?P<file>[\w./]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# What a program that is left running has said when the reader goes on.
READY = "first page after"
PATIENCE = 600


@dataclass(frozen=True)
class Block:
    """A block of a page: a file to write, or commands to run.

    Args:
        kind: Its language: console for commands.
        text: What is in it.
        file: The file that it is, if it is one.
        mark: background for a program that is left running, cluster for what needs a platform.
    """

    kind: str
    text: str
    file: str
    mark: str

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each command with the lines that it prints among others."""
        for part in self.text.split("$ ")[1:]:
            command, *lines = part.splitlines()
            yield command, [line for line in lines if line.strip()]


def blocks(page: Path) -> list[Block]:
    """Return a page's blocks in their order."""
    return [
        Block(found["kind"], found["text"], found["file"] or "", found["mark"] or "")
        for found in BLOCK.finditer(page.read_text())
    ]


def follow(page: Path, folder: Path, *, cluster: bool = False, **variables: str) -> list[str]:
    """Follow a page in a copy of this checkout and return the commands that were run.

    Args:
        page: The page.
        folder: An empty folder for the copy.
        cluster: Run what needs a platform, and only that; else only what needs none.
        variables: Set for the commands, such as INSTANCE or UI_PORT.

    Raises:
        AssertionError: A command failed, or didn't say what the page says that it says.
    """
    copy = _copied(folder / "checkout")
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    done = []
    with ExitStack() as left_running:
        for block in blocks(page):
            if block.file:
                target = copy / block.file
                assert not target.exists(), f"{page} would replace {block.file}"
                target.write_text(block.text)
            if block.kind != "console" or (block.mark == "cluster") != cluster:
                continue
            for command, lines in block.commands():
                if block.mark == "background":
                    left_running.enter_context(_background(command, copy, environment))
                else:
                    _run(command, lines, copy, environment)
                done.append(command)
    return done


def _copied(copy: Path) -> Path:
    """Copy what is under version control, or will be; share the Python environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        source, target = ROOT / name, copy / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (copy / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return copy


def _run(command: str, lines: list[str], copy: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=copy, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    print(f"$ {command}\n{done.stdout}")
    assert done.returncode == 0, f"`{command}` ended with exit code {done.returncode}"
    for line in lines:
        assert line in done.stdout, f"`{command}` did not say: {line}"


@contextmanager
def _background(command: str, copy: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Leave a program running while the block lasts; then interrupt it as Ctrl-C does."""
    output = copy.with_name("background.txt")
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=copy, env=environment, stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip

    def ready() -> bool:
        assert process.poll() is None, output.read_text()
        return READY in output.read_text()

    try:
        wait_for(ready, PATIENCE, f"`{command}`")
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        print(f"$ {command}\n{output.read_text()}")
