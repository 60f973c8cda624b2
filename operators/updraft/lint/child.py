"""Parses the DAG files of its standard input; each answer is a line on its standard output.

It imports airflow.sdk once and then forks for each file, so that a file's time is its own and no
file sees what another one did.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from airflow.sdk.definitions._internal.contextmanager import DagContext

from updraft.lint import yardstick
from updraft.lint.collecting import facts_of
from updraft.lint.facts import FileFacts
from updraft.lint.findings import IMPORT_SECONDS, PARSE_SECONDS
from updraft.lint.watching import MODULE, Watch

# Seconds; Airflow gives a file up after as many.
TIMEOUT = 30.0
# Another program can slow a parse down: the quickest of so many counts.
ATTEMPTS = 3


def main() -> None:
    """Answer for each file of the standard input on the standard output."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a DAG file prints is none of the answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from airflow import sdk  # noqa: PLC0415 -- what every measurement starts from

    for name in sdk.__all__:
        # Some of its names are modules of packages that are not installed.
        with suppress(AttributeError, ImportError):
            getattr(sdk, name)
    yardstick.measure()  # so that no child is the first to do so
    for file, root in json.load(sys.stdin):
        print(json.dumps(_quickest(file, root)), file=answers, flush=True)


def _quickest(file: str, root: str) -> FileFacts:
    """Parse a file, again where it was slow; the quickest parse counts."""
    found = _forked(partial(_parsed, file, root))
    for _ in range(ATTEMPTS - 1):
        if not _slow(found) or found["seconds"] >= TIMEOUT:
            break
        # Whoever brings a pod needs the client's models, whatever they take.
        again = _forked(partial(_parsed, file, root, models=found["pods"]))
        found = min(found, again, key=lambda each: each["seconds"])
    return found


def _slow(facts: FileFacts) -> bool:
    slowest = max((seconds for _, _, seconds in facts["imports"]), default=0)
    return facts["seconds"] > PARSE_SECONDS or slowest > IMPORT_SECONDS


def _forked(work: Callable[[], FileFacts]) -> FileFacts:
    """Return what a child of this process makes of the work."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            with os.fdopen(writer, "w", encoding="utf-8") as answer:
                json.dump(work(), answer)
        except BaseException:
            traceback.print_exc()
        finally:
            # Whatever happens, only the parent goes on to the next file.
            os._exit(0)
    os.close(writer)
    started = time.monotonic()
    received = _read(reader, started + TIMEOUT)
    # Whoever has answered ends by itself; whoever closed the pipe may as well hang.
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() - started > TIMEOUT:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    try:
        return cast("FileFacts", json.loads(received))
    except ValueError:
        late = time.monotonic() - started >= TIMEOUT
        slow = f"it took longer than {TIMEOUT:.0f} s; on a busy machine, look again when it is idle"
        why = slow if late else "it ended the whole process"
        seconds = TIMEOUT if late else 0.0
        empty: Any = {"imports": [], "calls": [], "dags": [], "line": 1, "pods": False}
        return cast("FileFacts", empty | {"seconds": seconds, "error": why})


def _read(reader: int, end: float) -> bytes:
    """Read what comes until there is no more, or until it is too late."""
    received = b""
    with os.fdopen(reader, "rb") as answer:
        while select.select([answer], [], [], max(0.0, end - time.monotonic()))[0]:
            piece = os.read(answer.fileno(), 1 << 16)
            if not piece:
                break
            received += piece
    return received


def _parsed(file: str, root: str, *, models: bool = False) -> FileFacts:
    """Parse a file in this process."""
    if models:
        import kubernetes.client.models  # noqa: F401, PLC0415 -- not to be measured
    sys.path.insert(0, root)
    DagContext.current_autoregister_module_name = MODULE
    watch = Watch(file)
    module = watch.run()
    dags, pods = facts_of(module)
    return {
        "seconds": watch.seconds,
        "imports": [(line, name, seconds) for (line, name), seconds in watch.imports.items()],
        "calls": watch.calls,
        "dags": dags,
        "error": watch.error,
        "line": watch.line,
        "pods": pods,
    }


if __name__ == "__main__":
    main()
