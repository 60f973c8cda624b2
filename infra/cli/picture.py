"""A DAG run as a picture: one bar for each pod, queued and then running, on a common time axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from infra.cli.runs import RunReport, key_of

LABEL, CHART, ROW, TOP = 330, 560, 22, 64
QUEUED, FAILED, RUNNING = "#c8ced6", "#cf4a3f", "#2f8f6b"
TICKS = 6
NAME = 46


@dataclass(frozen=True, slots=True)
class Bar:
    """A task instance's seconds since the run's first event."""

    label: str
    queued: float
    started: float
    ended: float
    failed: bool


def bars(report: RunReport) -> list[Bar]:
    """The instances that ran, in order of their start."""
    rows: list[tuple[datetime, datetime, datetime, str, bool]] = []
    for one in report.instances:
        if one.started is None or one.ended is None:
            continue
        pod = report.pods.get(key_of(one))
        name = pod.name if pod else f"{one.task_id} {one.map_index}"
        since = one.scheduled or one.queued or one.started
        rows.append((since, one.started, one.ended, name, one.state == "failed"))
    if not rows:
        return []
    origin = min(row[0] for row in rows)

    def after(moment: datetime) -> float:
        return (moment - origin).total_seconds()

    rows.sort(key=lambda row: row[1])
    return [Bar(name, after(q), after(s), after(e), bad) for q, s, e, name, bad in rows]


def timeline(report: RunReport) -> str:
    """The run as an SVG of its own: no script, no font or file from elsewhere."""
    shown = bars(report)
    length = max((bar.ended for bar in shown), default=1.0)
    step = _step(length)
    scale = CHART / (math.ceil(length / step) * step)
    height = TOP + ROW * len(shown) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + CHART + 40} {height}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11" fill="#24292f">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="14">{escape(report.dag_id)}: {len(shown)} pods, '
        f"{length:.0f} s, {escape(report.state)}</text>",
        *_legend(),
        *_axis(length, step, scale, TOP + ROW * len(shown)),
    ]
    for index, bar in enumerate(shown):
        parts += _row(bar, TOP + ROW * index, scale)
    return "\n".join([*parts, "</svg>", ""])


def _step(length: float) -> float:
    """A round number of seconds between two ticks."""
    return next((s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300) if length / s <= TICKS), 600)


def _legend() -> list[str]:
    parts = []
    for index, (colour, word) in enumerate(((QUEUED, "waits"), (RUNNING, "runs"))):
        x = LABEL + 90 * index
        parts.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="46">{word}</text>')
    return parts


def _axis(length: float, step: float, scale: float, bottom: int) -> list[str]:
    parts = []
    for tick in range(math.ceil(length / step) + 1):
        x = LABEL + tick * step * scale
        parts.append(f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="#e4e8ec"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">'
                     f"{tick * step:g} s</text>")  # fmt: skip
    return parts


def _row(bar: Bar, y: int, scale: float) -> list[str]:
    def box(since: float, until: float, colour: str) -> str:
        x, width = LABEL + since * scale, max((until - since) * scale, 1)
        return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 8}" fill="{colour}"/>'

    name = bar.label if len(bar.label) <= NAME else bar.label[: NAME - 1] + "…"
    return [
        f'<text x="{LABEL - 10}" y="{y + 11}" text-anchor="end">{escape(name)}</text>',
        box(bar.queued, bar.started, QUEUED),
        box(bar.started, bar.ended, FAILED if bar.failed else RUNNING),
    ]
