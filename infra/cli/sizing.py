"""What a task should ask for, from what its tries took: arithmetic and nothing else.

A quantile is the nearest rank's: the smallest value that was really measured and that at least
that share of the tries did not exceed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.settings.grammar.kubernetes import amount

MIB = 1024 * 1024
GIB = 1024 * MIB
# Fewer tries say little about the one in twenty that takes the most.
ENOUGH = 20
# A limit ends a task, so the next try may take this much more than any did.
HEADROOM = 1.25
# The most is so many times the median: such a task's need depends on its data.
VARIED = 2.0
# A try so near to its limit might have taken more, and others may have been killed for it.
NEAR = 0.95
MEMORY_STEP = 64 * MIB
CPU_STEP = 0.05
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Try:
    """What one try of a task took: bytes and seconds, cores and bytes.

    Args:
        dag_id: Its DAG.
        task_id: Its task.
        peak: The most memory that its pod held at once, in bytes.
        cpu_seconds: CPU time.
        seconds: How long it ran.
        given: cpu_request, cpu_limit in millicores, memory_request, memory_limit in bytes, as far
            as they are known.
    """

    dag_id: str
    task_id: str
    peak: int
    cpu_seconds: float
    seconds: float
    given: Mapping[str, int]

    @property
    def cores(self) -> float:
        """The cores that it kept busy on average."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """A number over the tries: half of them, 95 % of them, and the most."""

    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return it for at least one value."""
        return cls(quantile(values, 0.5), quantile(values, 0.95), max(values))


@dataclass(frozen=True, slots=True)
class Advice:
    """What a task asks for, took and should ask for; cores and bytes.

    Args:
        dag_id: Its DAG.
        task_id: Its task.
        tries: How many were measured.
        cores: What they took.
        memory: What they took.
        given: What the latest asked for: cpu_request and cpu_limit in cores, memory_request and
            memory_limit in bytes, as far as they are known.
        cpu_request: The advice.
        memory_request: The advice.
        memory_limit: The advice; there is none for CPU, whose limit only slows a task down.
        size: The smallest of the stack's sizes that has it; None where none has.
        sureness: How sure it is, in words.
        sure: Whether to act on it.
        saved_month: What it would save in 30 days, in the currency of the prices; less than 0
            where it costs more; None where it is not known what is asked for now.
    """

    dag_id: str
    task_id: str
    tries: int
    cores: Spread
    memory: Spread
    given: Mapping[str, float]
    cpu_request: float
    memory_request: int
    memory_limit: int
    size: str | None
    sureness: str
    sure: bool
    saved_month: float | None


@dataclass(frozen=True, slots=True)
class Prices:
    """What a core and a GiB cost for an hour."""

    cpu_hour: float
    memory_gib_hour: float


Sizes = Mapping[str, Mapping[str, Mapping[str, str]]]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest rank's quantile of at least one value.

    Example:
        >>> quantile([10, 20, 30, 40], 0.5), quantile(range(1, 101), 0.95)
        (20, 95)
    """
    rank = max(math.ceil(share * len(values)), 1)
    return sorted(values)[rank - 1]


def up(value: float, step: float) -> float:
    """Return the smallest multiple of a step that is at least a value, and at least one step.

    Example:
        >>> up(130, 64), up(0, 64)
        (192, 64)
    """
    # A value that is a multiple but for the last binary digit is one.
    return max(math.ceil(value / step - 1e-9), 1) * step


def advise(tries: Iterable[Try], sizes: Sizes, prices: Prices, days: float) -> list[Advice]:
    """Return advice for each task, what saves most first.

    Args:
        tries: What was measured, the latest last.
        sizes: The stack's, {name: resources}.
        prices: Of what is saved.
        days: How long was looked back.
    """
    tasks: dict[tuple[str, str], list[Try]] = defaultdict(list)
    for each in tries:
        if each.seconds > 0:
            tasks[each.dag_id, each.task_id].append(each)
    advice = [_advice(own, sizes, prices, days) for own in tasks.values()]
    return sorted(advice, key=lambda each: (-(each.saved_month or 0), each.dag_id, each.task_id))


def _advice(tries: Sequence[Try], sizes: Sizes, prices: Prices, days: float) -> Advice:
    memory = Spread.of([each.peak for each in tries])
    cores = Spread.of([each.cores for each in tries])
    latest = tries[-1]
    given = {
        name: value / 1000 if name.startswith("cpu") else float(value)
        for name, value in latest.given.items()
    }
    limit = int(up(memory.most * HEADROOM, MEMORY_STEP))
    request = min(int(up(memory.p95, MEMORY_STEP)), limit)
    cpu = round(up(cores.p95, CPU_STEP), 3)
    sureness, sure = _sureness(tries, memory)
    month = sum(each.seconds for each in tries) / 3600 / days * MONTH_DAYS
    return Advice(
        dag_id=latest.dag_id,
        task_id=latest.task_id,
        tries=len(tries),
        cores=cores,
        memory=memory,
        given=given,
        cpu_request=cpu,
        memory_request=request,
        memory_limit=limit,
        size=fitting(sizes, cpu, request, limit),
        sureness=sureness,
        sure=sure,
        saved_month=_saved(given, cpu, request, prices, month),
    )


def fitting(sizes: Sizes, cpu: float, request: int, limit: int) -> str | None:
    """Return the smallest size that has so many cores and bytes, None where none has."""
    fit = [
        (amount(size["limits"]["memory"]), amount(size["requests"]["cpu"]), name)
        for name, size in sizes.items()
        if amount(size["requests"]["cpu"]) >= cpu
        and amount(size["requests"]["memory"]) >= request
        and amount(size["limits"]["memory"]) >= limit
    ]
    return min(fit)[2] if fit else None


def _sureness(tries: Sequence[Try], memory: Spread) -> tuple[str, bool]:
    near = [each for each in tries if each.peak >= NEAR * each.given.get("memory_limit", math.inf)]
    if near:
        # Whatever else is known, the true need is not.
        return f"at its limit in {len(near)} of {len(tries)}: it may need more", False
    if len(tries) < ENOUGH:
        return f"too few tries ({len(tries)} of {ENOUGH})", False
    if memory.most > VARIED * memory.p50:
        return f"varied: the most is {memory.most / memory.p50:.1f} x the median", False
    return f"sure ({len(tries)} tries)", True


def _saved(
    given: Mapping[str, float], cpu: float, memory: int, prices: Prices, hours: float
) -> float | None:
    if not {"cpu_request", "memory_request"} <= given.keys():
        return None
    cores = given["cpu_request"] - cpu
    gib = (given["memory_request"] - memory) / GIB
    return hours * (cores * prices.cpu_hour + gib * prices.memory_gib_hour)
