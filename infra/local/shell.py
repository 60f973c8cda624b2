"""Programs run to their end, their failures told by what they printed last."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError

Arg = str | Path

LAST_LINES = 12
# How a program is told to end, and the seconds that it then has. Go's compiler, apt and buildah
# clean up after themselves at an interrupt alone.
ENDINGS = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0))
# Of what makes folders that users other than root are to enter, such as containers' and images'.
UMASK = 0o022
# The node's programs see this and no more: the user's proxies and tokens are not theirs.
NODE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """The end of a program's output."""
    return "\n".join(text.strip().splitlines()[-count:])


@contextmanager
def awaited(process: subprocess.Popen[Any]) -> Iterator[None]:
    """End a program in order where the block is left by an exception, such as Ctrl-C."""
    try:
        yield
    except BaseException:
        try:
            end(process)
        finally:
            process.kill()  # where even the wait for its end was interrupted
        raise


def end(process: subprocess.Popen[Any]) -> None:
    """Tell a program to end, ever more sternly, and wait until it has."""
    for number, seconds in ENDINGS:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def run(
    *argv: Arg,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    fix: str = "",
) -> str:
    """Run a program and return what it wrote to standard output.

    Args:
        argv: The program and its arguments.
        text: What it gets on standard input.
        env: Variables added to the environment.
        cwd: Directory to run it in.
        check: Whether a non-zero exit is an error.
        fix: What to do when it fails.

    Raises:
        UpdraftError: It is not there, or (with check) failed; with the last lines it printed.
    """
    command = [str(a) for a in argv]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
        )
    except FileNotFoundError as error:
        raise UpdraftError(f"{command[0]} is not installed", fix=fix) from error
    with awaited(process):
        printed, errors = process.communicate(text)
    if check and process.returncode:
        raise _failure(command, process.returncode, errors or printed, fix)
    return printed


def _failure(command: list[str], code: int, said: str, fix: str) -> UpdraftError:
    return UpdraftError(
        f"{Path(command[0]).name} failed (exit code {code}):\n{last_lines(said)}",
        where=shlex.join(command),
        fix=fix,
    )
