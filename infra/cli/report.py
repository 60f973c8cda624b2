"""A DAG run on the terminal: live while it goes on, then as a table of its pods."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from infra.cli.runs import RunReport, View, key_of
from infra.output import Print

MIB = 1024 * 1024
WIDTH_WITHOUT_TERMINAL = 120
STYLES = {"success": "green", "failed": "red", "running": "cyan", "up_for_retry": "yellow"}


def terminal() -> Console:
    """The console; wide enough for the table where there is no terminal to ask."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=WIDTH_WITHOUT_TERMINAL)


def seconds(value: float | None) -> str:
    """Seconds with one decimal, or a dash."""
    return "-" if value is None else f"{value:.1f}"


def table(report: RunReport) -> Table:
    """A row for each task instance: pod, seconds queued, seconds run, peak memory."""
    title = f"{report.dag_id} · {report.run_id} · {report.state}"
    shown = Table(title=title, title_justify="left")
    shown.add_column("task")
    shown.add_column("map", justify="right")
    shown.add_column("try", justify="right")
    shown.add_column("state")
    shown.add_column("pod", overflow="fold")
    shown.add_column("queued s", justify="right")
    shown.add_column("run s", justify="right")
    shown.add_column("peak MiB", justify="right")
    for instance in report.instances:
        key = key_of(instance)
        pod = report.pods.get(key)
        peak = report.peaks.get(key)
        state = instance.state or "waiting"
        shown.add_row(
            instance.task_id,
            "" if instance.map_index < 0 else str(instance.map_index),
            str(instance.try_number),
            f"[{STYLES.get(state, 'default')}]{state}[/]",
            pod.name if pod else "-",
            seconds(instance.seconds_queued),
            seconds(instance.seconds_run),
            "-" if peak is None else f"{peak / MIB:.0f}",
        )
    return shown


class Lines(View):
    """Tells a run's progress as lines, one for each change; for logs and pipes."""

    def __init__(self, tell: Print) -> None:
        self._tell = tell
        self._last = ""

    def show(self, report: RunReport) -> None:
        """Tell the run's state when it changed."""
        now = f"{report.state}: {report.counts()}"
        if now != self._last:
            self._tell(now)
            self._last = now


class LiveTable(View):
    """Shows a run's table in place, growing and changing as its pods do."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, report: RunReport) -> None:
        """Draw the table anew."""
        self._live.update(table(report), refresh=True)
