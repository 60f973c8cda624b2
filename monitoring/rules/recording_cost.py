"""Recording rules of cost: what each task, DAG and team holds, at the prices of the options."""

from __future__ import annotations

from monitoring.options import Options
from monitoring.rules.model import Record
from monitoring.rules.recording_expr import WINDOW, statsd_rate, text

_TASK = "dag_id, task_id"
_GIB = 2**30
# How long a task's pod may be gone before its duration is there.
_BETWEEN = "10m"


def rules(options: Options) -> list[Record]:
    """Return the recording rules; those of pods' resources come before them, in the same group.

    Each cost is there twice: `sampled` from the pods that Prometheus saw, and `durations` from
    what tasks say when they end, times their requests. The first misses pods that were gone
    before a scrape, the second what a pod holds beside its task; over a long time the greater one
    is nearer the truth.
    """
    return [*_sampled(options), *_durations(options), *_sums(options)]


def per_second(hour: float, unit: int = 1) -> str:
    """Return a price for an hour as one for a second and a unit."""
    return repr(hour / 3600 / unit)


def _sampled(options: Options) -> list[Record]:
    """A pod costs what it asked for, or what it took where that was more."""

    def billed(requested: str, used: str) -> str:
        return f"(({used} > {requested}) or {requested})"

    cpu = billed("updraft_pod:cpu_requested_cores:sum", "updraft_pod:cpu_used_cores:rate")
    memory = billed("updraft_pod:memory_requested_bytes:sum", "updraft_pod:memory_used_bytes:sum")
    return [
        Record(
            "updraft_pod:cost_per_second:sampled",
            f"{cpu} * {per_second(options.cpu_hour)}"
            f" + {memory} * {per_second(options.memory_gib_hour, _GIB)}",
        ),
        Record(
            "updraft_task:cost_per_second:sampled",
            f"sum by ({_TASK}) (updraft_pod:cost_per_second:sampled"
            f" * on (namespace, pod) group_left ({_TASK}) updraft_pod:task:info)",
        ),
    ]


def _durations(options: Options) -> list[Record]:
    price = (
        f"updraft_pod:cpu_requested_cores:sum * {per_second(options.cpu_hour)}"
        " + updraft_pod:memory_requested_bytes:sum"
        f" * {per_second(options.memory_gib_hour, _GIB)}"
    )
    of_pod = "updraft_task:pod_cost_per_second:avg"
    seconds = f"updraft_task:task_duration_seconds_sum:rate{WINDOW}"
    seen = (
        f"avg by ({_TASK}) (({price})"
        f" * on (namespace, pod) group_left ({_TASK}) updraft_pod:task:info)"
    )
    # Remembered for as long as StatsD knows the task; a pod may be gone before its task is told of.
    remembered = f"last_over_time({of_pod}[{_BETWEEN}]) and on ({_TASK}) {seconds}"
    # No pod of the task was ever seen: the pods of the others are as good a guess as any.
    guess = f"scalar(avg({of_pod}))"
    return [
        # Seconds of tasks a second: how many ran at once, told when they end.
        Record(seconds, statsd_rate("task_duration_sum", "dag_id", "task_id")),
        Record(of_pod, f"({seen}) or ({remembered})"),
        Record(
            "updraft_task:cost_per_second:durations",
            f"({seconds} * on ({_TASK}) {of_pod}) or ({seconds} * {guess}) >= 0",
        ),
    ]


def _sums(options: Options) -> list[Record]:
    rules: list[Record] = []
    for way in ("sampled", "durations"):
        dag = f"updraft_dag:cost_per_second:{way}"
        rules += [
            Record(dag, f"sum by (dag_id) (updraft_task:cost_per_second:{way})"),
            Record(
                f"updraft_team:cost_per_second:{way}", f"sum by (team) ({with_team(dag, options)})"
            ),
        ]
    return rules


def with_team(expr: str, options: Options) -> str:
    """Return series of DAGs with the label team; it is "unassigned" where no team's DAGs match.

    A DAG that several teams' expressions match belongs to the first.
    """
    labelled = f'label_replace({expr}, "team", "unassigned", "", "")'
    for team, expression in reversed(list(options.teams.items())):
        name = text(team.replace("$", "$$"))
        labelled = f'label_replace({labelled}, "team", {name}, "dag_id", {text(expression)})'
    return labelled
