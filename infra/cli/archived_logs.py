"""The lines of a DAG run that Loki has, by task, map index and try."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from infra.cli import loki
from infra.cli.airflow_api import Json
from infra.cli.instances import TaskInstance, moment
from infra.cli.loki import Line
from infra.cli.runs import Key, TaskPod, key_of

SECOND = 1_000_000_000
# The clocks of the database's host and of a node may differ, and a pod ends after its task.
MARGIN = 600 * SECOND
# Loki's own longest question.
LONGEST = 30 * 24 * 3600 * SECOND
Archived = dict[Key, list[Line]]


def tries(instances: Iterable[TaskInstance]) -> set[Key]:
    """The tries that have begun, whose lines are to be somewhere."""
    return {
        (each.task_id, each.map_index, number)
        for each in instances
        if each.started
        for number in range(1, each.try_number + 1)
    }


def may_lack(
    instances: Sequence[TaskInstance],
    pods: Mapping[Key, Sequence[TaskPod]],
    run: Mapping[str, str | None],
    minutes: int,
) -> bool:
    """Whether pods of a run may have gone, be it one of several of the same try.

    Args:
        instances: The run's task instances.
        pods: The pods that are there, oldest first.
        run: The run as Airflow's API tells it.
        minutes: For how long the platform keeps pods that have finished.
    """
    if tries(instances) - pods.keys():
        return True
    # Airflow leaves a try that goes on after its trigger the start that its first pod gave it.
    started = {key_of(each): each.started for each in instances}
    for key, own in pods.items():
        first, since = own[0].created, started.get(key)
        if first and since and since < first:
            return True
    return time.time_ns() - _begun(run) > minutes * 60 * SECOND


def read(url: str, namespace: str, run: Json) -> Archived:
    """What Loki has of a run, the lines of each try in the order of their times.

    Args:
        url: Loki's address.
        namespace: The task pods'.
        run: The run as Airflow's API tells it.

    Raises:
        UpdraftError: Loki doesn't answer, or refuses.
    """
    asked = loki.query(namespace, dag_id=run["dag_id"], run_id=run["dag_run_id"])
    found: Archived = defaultdict(list)
    for line in loki.lines(url, asked, *window(run)):
        if key := _key(line.labels):
            found[key].append(line)
    return dict(found)


def window(run: Mapping[str, str | None]) -> tuple[int, int]:
    """The times between which a run's lines lie, in nanoseconds since 1970.

    A run that was cleared begins anew; the first lines are as old as what it was due.
    """
    ended = moment(run.get("end_date"))
    end = (int(ended.timestamp()) * SECOND if ended else time.time_ns()) + MARGIN
    return max(_begun(run) - MARGIN, end - LONGEST), end


def _begun(run: Mapping[str, str | None]) -> int:
    known = [moment(run.get(name)) for name in ("run_after", "queued_at", "start_date")]
    return min((int(each.timestamp()) * SECOND for each in known if each), default=0)


def _key(labels: Mapping[str, str]) -> Key | None:
    try:
        return labels["task_id"], int(labels["map_index"]), int(labels["try_number"])
    except (KeyError, ValueError):
        return None
