"""Runs a DAG file as the DAG processor does, and notes what it imports, reaches and starts."""

from __future__ import annotations

import builtins
import sys
import time
import traceback
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from updraft.lint import yardstick

# What Python reports (https://docs.python.org/3/library/audit_events.html), and what it means.
REACHES = {
    "socket.connect": "a connection to {1}",
    "socket.getaddrinfo": "a look-up of the name {0}",
    "sqlite3.connect": "a connection to the database {0}",
}
STARTS = {"subprocess.Popen": "the program {0}", "os.system": "the command {0}"}
# Seconds that a parse may take beyond what the processor has to do for it.
WAITS = 1.0
MODULE = "updraft_linted_dag_file"


class RefusedError(ConnectionError):
    """What a DAG file gets that reaches out while it is parsed: the linter lets nothing through.

    Example:
        >>> issubclass(RefusedError, OSError)
        True
    """


def queued() -> float:
    """Return for how many seconds this thread has been ready and others had the processors.

    Linux counts it (https://docs.kernel.org/scheduler/sched-stats.html); 0.0 where nobody does.

    Example:
        >>> queued() <= queued()
        True
    """
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class Watch:
    """A run of one DAG file in this process, under observation from then on.

    Args:
        file: Its path.

    Example:
        >>> watch = Watch("dags/sales.py")
        >>> watch.seconds, watch.imports, watch.calls
        (0.0, {}, [])
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.seconds = 0.0
        self.imports: dict[tuple[int, str], float] = {}
        self.calls: list[tuple[int, str]] = []
        self.error = ""
        self.line = 1
        self._importing = False
        self._done = False

    def run(self) -> ModuleType:
        """Import the file and return its module; with what it did until an error, if any.

        What it works takes as long as on the yardstick's machine; what it waits, as it did here.
        """
        before = yardstick.measure()
        loader = SourceFileLoader(MODULE, self.file)
        spec = ModuleSpec(MODULE, loader, origin=self.file)
        spec.has_location = True
        module = module_from_spec(spec)
        sys.modules[MODULE] = module
        real, builtins.__import__ = builtins.__import__, self._import
        self._import_really = real
        # It can't be taken away again, only be silent later.
        sys.addaudithook(self._audit)
        clock, processor, queue = time.perf_counter(), time.process_time(), queued()
        try:
            loader.exec_module(module)
        except BaseException as error:  # a DAG file may raise anything, sys.exit too
            self._note(error)
        finally:
            worked = time.process_time() - processor
            passed = time.perf_counter() - clock
            crowded = queued() - queue
            builtins.__import__ = real
            self._done = True
            slowness = yardstick.slowness(before, yardstick.measure())
            # A busy machine makes everything slow; only who waits long does so by himself.
            waited = passed - worked - crowded
            self.seconds = worked / slowness + (waited if waited > WAITS else 0.0)
            self.imports = {key: took / slowness for key, took in self.imports.items()}
        return module

    def _note(self, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [each.lineno or 1 for each in frames if each.filename == self.file]
        if isinstance(error, SyntaxError) and error.filename == self.file:
            own.append(error.lineno or 1)
        self.line = own[-1] if own else 1
        # What the linter itself refused is a finding of its own.
        cause: BaseException | None = error
        while cause and not isinstance(cause, RefusedError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            self.error = f"{type(error).__name__}: {error}"

    def _import(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Import, and note the time where the file itself asked for it."""
        frame = sys._getframe(1)
        if self._importing or frame.f_code.co_filename != self.file:
            return self._import_really(name, *arguments, **options)
        self._importing = True
        started = time.process_time()
        try:
            return self._import_really(name, *arguments, **options)
        finally:
            self._importing = False
            key = (frame.f_lineno, name)
            took = time.process_time() - started
            self.imports[key] = max(took, self.imports.get(key, 0.0))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what reaches out of this process, and refuse it."""
        if self._done:
            return
        if event in REACHES:
            what = REACHES[event].format(*arguments)
            self.calls.append((self._own_line(), what))
            raise RefusedError(f"refused while the DAG file is parsed: {what}")
        # Some libraries look at the machine by a program when they are imported.
        if event in STARTS and not self._importing:
            self.calls.append((self._own_line(), STARTS[event].format(*arguments)))

    def _own_line(self) -> int:
        """The line of the file that led to where the program is now."""
        frame: FrameType | None = sys._getframe(2)
        while frame and frame.f_code.co_filename != self.file:
            frame = frame.f_back
        return frame.f_lineno if frame else 1
