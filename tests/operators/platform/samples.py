"""A day of the platform's life as Prometheus would have recorded it, in OpenMetrics' text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

DAY = 24 * 3600
# It goes on for as long as its readers may take, so that the last value is never an old one.
AFTER = 2 * 3600
STEP = 60
TASKS = 'namespace="airflow-tasks"'
# DAG, its dollars a day, and its team.
COSTS = {
    "billing": (4.0, "finance"),
    "shop_nightly": (12.5, "shop"),
    "warehouse": (7.25, "shop"),
    "payroll": (3.0, "finance"),
}
GIB = 2**30
BOUNDS = ("1.0", "2.0", "5.0", "10.0", "20.0", "30.0", "60.0", "120.0", "300.0", "+Inf")


@dataclass(frozen=True)
class Sample:
    """A series: its name, its labels and its value at each second of the day."""

    name: str
    labels: str
    value: Callable[[float], float]


@dataclass
class Day:
    """All series, in the order of their names."""

    series: list[Sample] = field(default_factory=list)

    def add(self, name: str, labels: str, value: Callable[[float], float]) -> None:
        """Add a series."""
        self.series.append(Sample(name, labels, value))

    def text(self, end: int) -> Iterator[str]:
        """Its lines: the day up to a moment in seconds since 1970, and some time after it."""
        last = ""
        for each in sorted(self.series, key=lambda sample: sample.name):
            if each.name != last:
                yield f"# TYPE {each.name} gauge\n"
                last = each.name
            braces = f"{{{each.labels}}}" if each.labels else ""
            for moment in range(end - DAY, end + AFTER, STEP):
                value = each.value((moment - end + DAY) / DAY)
                yield f"{each.name}{braces} {value:.12g} {moment}\n"
        yield "# EOF\n"


def load(moment: float) -> float:
    """How busy the platform is, from 0 to 1: a night's peak, and a smaller one at noon."""
    night = math.exp(-(((moment - 0.3) / 0.08) ** 2))
    noon = 0.55 * math.exp(-(((moment - 0.75) / 0.12) ** 2))
    return min(1.0, 0.12 + night + noon + 0.04 * math.sin(moment * 90))


def day() -> Day:
    """The day."""
    made = Day()
    _quota(made)
    _tasks(made)
    _cost(made)
    return made


def _quota(made: Day) -> None:
    hard: Mapping[str, tuple[float, float]] = {
        "pods": (40, 0.9), "requests.cpu": (12, 0.75),
        "requests.memory": (24 * GIB, 0.6), "limits.memory": (48 * GIB, 0.45),
    }  # fmt: skip
    for resource, (most, share) in hard.items():
        labels = f'{TASKS},resourcequota="tasks",resource="{resource}"'
        used = _used(most, share, whole=resource == "pods")
        made.add("updraft_namespace:quota:max", f'{labels},type="used"', used)
        made.add("updraft_namespace:quota:max", f'{labels},type="hard"', _constant(most))
        made.add("updraft_namespace:quota_used:ratio", labels, _ratio(used, most))
    for phase, share in (("Running", 30), ("Pending", 6), ("Succeeded", 20), ("Failed", 2)):
        made.add(
            "updraft_namespace:pods:sum", f'{TASKS},phase="{phase}"', _used(share, 1.0, whole=True)
        )
    # Another namespace's are not the task pods'.
    other = 'namespace="airflow",resourcequota="other",resource="pods"'
    made.add("updraft_namespace:quota:max", f'{other},type="used"', _constant(3))
    made.add("updraft_namespace:quota:max", f'{other},type="hard"', _constant(4))
    made.add("updraft_namespace:quota_used:ratio", other, _constant(0.75))


def _tasks(made: Day) -> None:
    for state, most in (("queued", 25), ("running", 30), ("deferred", 4)):
        made.add("updraft_task_instances", f'state="{state}"', _used(most, 1.0, whole=True))
    made.add("updraft_oldest_queued_seconds", "", lambda moment: 150 * load(moment))
    for state, rate in (("success", 0.5), ("failed", 0.02), ("up_for_retry", 0.05)):
        made.add("updraft:tasks_finished:rate5m", f'state="{state}"', _used(rate, 1.0))
    for place, bound in enumerate(BOUNDS):
        made.add("updraft:task_start_seconds_bucket:rate5m", f'le="{bound}"', started_within(place))
    task = 'dag_id="billing",task_id="bill"'
    made.add("updraft_task:cpu_used_cores:sum", task, _used(0.8, 1.0))
    made.add("updraft_task:cpu_requested_cores:sum", task, _constant(2))
    made.add("updraft_task:memory_used_bytes:sum", task, _used(1.6 * GIB, 1.0))
    made.add("updraft_task:memory_requested_bytes:sum", task, _constant(2 * GIB))


def started_within(place: int) -> Callable[[float], float]:
    """Tasks a second that start within one of the BOUNDS, by the time of the day."""

    def value(moment: float) -> float:
        whole = 0.5 * load(moment)
        soon = 1 - math.exp(-(place + 1) * 0.9 / (0.7 + load(moment)))
        return whole if BOUNDS[place] == "+Inf" else whole * soon

    return value


def _cost(made: Day) -> None:
    teams: dict[str, float] = {}
    for dag, (dollars, team) in COSTS.items():
        rate = dollars / DAY
        teams[team] = teams.get(team, 0.0) + rate
        # Sampling misses the shortest pods.
        made.add("updraft_dag:cost_per_second:durations", f'dag_id="{dag}"', _constant(rate))
        made.add("updraft_dag:cost_per_second:sampled", f'dag_id="{dag}"', _constant(rate * 0.9))
    for team, rate in teams.items():
        made.add("updraft_team:cost_per_second:durations", f'team="{team}"', _constant(rate))


def _used(most: float, share: float, *, whole: bool = False) -> Callable[[float], float]:
    def value(moment: float) -> float:
        found = most * share * load(moment)
        return round(found) if whole else found

    return value


def _constant(value: float) -> Callable[[float], float]:
    return lambda _: value


def _ratio(used: Callable[[float], float], most: float) -> Callable[[float], float]:
    return lambda moment: used(moment) / most
