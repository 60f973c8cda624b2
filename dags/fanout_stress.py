"""Loads the platform on purpose: as many pods as wanted, for as long, each with as much memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from airflow.sdk import Param, dag, get_current_context, task

from updraft.patterns import item_name

MIB = 1024 * 1024


class Load(TypedDict):
    """What one pod went through; times in seconds since the epoch."""

    pod: str
    began: float
    ended: float
    mebibytes: int


class Report(TypedDict):
    """How the fan-out went; times in seconds."""

    pods: int
    most_at_once: int
    first_to_last_start: float
    first_start_to_last_end: float


def most_at_once(loads: list[Load]) -> int:
    """The most loads that were under way at one moment."""
    changes = [(load["began"], 1) for load in loads] + [(load["ended"], -1) for load in loads]
    live = most = 0
    for _, change in sorted(changes):
        live += change
        most = max(most, live)
    return most


@dag(
    schedule=None,
    max_active_tasks=1024,
    default_args={"owner": "platform", "retries": 1, "retry_delay": timedelta(seconds=10)},
    params={
        "width": Param(8, type="integer", minimum=0, maximum=1000, description="Pods"),
        "seconds": Param(5.0, type="number", minimum=0, description="Seconds that each one runs"),
        "memory": Param(
            64, type="integer", minimum=0, description="Mebibytes that each one holds meanwhile"
        ),
    },
    tags=["example", "platform"],
)
def fanout_stress() -> None:
    """Load the platform on purpose.

    Shows how wide a fan-out really gets under the quota, and what alerts and dashboards make of it:
    `width` pods, each of which holds `memory` MiB for `seconds`. More memory than the pod's limit
    gets a pod killed, which is a way to see that too.
    """

    @task
    def plan() -> list[int]:
        """Number the pods."""
        return list(range(get_current_context()["params"]["width"]))

    @task(map_index_template=item_name("number"))
    def load(number: int) -> Load:
        """Hold memory for a while."""
        import socket
        import time

        params = get_current_context()["params"]
        began = time.time()
        # Written to, page by page, or the kernel would not give it.
        held = bytearray(b"\1") * (params["memory"] * MIB)
        time.sleep(params["seconds"])
        print(f"pod {number} has held {params['memory']} MiB")
        return {
            "pod": socket.gethostname(),
            "began": began,
            "ended": time.time(),
            "mebibytes": len(held) // MIB,
        }

    @task(trigger_rule="none_failed")
    def report(loads: list[Load]) -> Report:
        """Tell how wide the fan-out got."""
        done = loads[:]  # by one request
        starts, ends = [each["began"] for each in done], [each["ended"] for each in done]
        found: Report = {
            "pods": len({each["pod"] for each in done}),
            "most_at_once": most_at_once(done),
            "first_to_last_start": round(max(starts) - min(starts), 1) if done else 0.0,
            "first_start_to_last_end": round(max(ends) - min(starts), 1) if done else 0.0,
        }
        print(f"{found['pods']} pods, at most {found['most_at_once']} at once: {found}")
        return found

    report(load.expand(number=plan()))  # type: ignore[arg-type]  # an XComArg stands for the list


fanout_stress()
