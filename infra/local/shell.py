"""Programs run to their end, their failures told by what they printed last."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.errors import UpdraftError

Arg = str | Path

LAST_LINES = 12
# The node's programs see this and no more: the user's proxies and tokens are not theirs.
NODE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """The end of a program's output."""
    return "\n".join(text.strip().splitlines()[-count:])


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
        done = subprocess.run(
            command,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
        )
    except FileNotFoundError as error:
        raise UpdraftError(f"{command[0]} is not installed", fix=fix) from error
    if check and done.returncode:
        raise _failure(command, done, fix)
    return done.stdout


def _failure(command: list[str], done: subprocess.CompletedProcess[str], fix: str) -> UpdraftError:
    return UpdraftError(
        f"{Path(command[0]).name} failed (exit code {done.returncode}):\n"
        + last_lines(done.stderr or done.stdout),
        where=shlex.join(command),
        fix=fix,
    )
