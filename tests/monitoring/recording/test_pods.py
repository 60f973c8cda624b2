"""What pods ask for and use is told of the right task, once."""

from __future__ import annotations

import pytest

from monitoring.options import Options
from tests.monitoring.recording.pods import GIB, SPACE, running, using
from tests.monitoring.recording.unit import Evaluate

LOAD = '{dag_id="etl.daily", task_id="group.load"}'


def test_two_replicas_of_kube_state_metrics_count_a_pod_once(evaluate: Evaluate) -> None:
    two = running("p1", "etl.daily", "group.load", replicas=("a", "b"))
    evaluate(Options()).expect(
        {**two, **using("p1", cpu="0+3x40", memory=f"{GIB // 4}x40")},
        "8m",
        {
            f"updraft_task:{name}:sum": {LOAD: value}
            for name, value in {
                "cpu_requested_cores": 0.5,
                "memory_requested_bytes": GIB,
                "cpu_used_cores": 0.2,
                "memory_used_bytes": GIB / 4,
                "pods_running": 1,
            }.items()
        },
    )


def test_a_container_that_was_restarted_is_not_counted_twice(evaluate: Evaluate) -> None:
    # cAdvisor's samples have times of their own, so the old series is there for minutes more.
    series = {
        **running("p1", "etl.daily", "group.load"),
        **using("p1", cpu="0+3x20 60x20", memory=f"{GIB}x40"),
        **using("p1", cpu="_x20 0+3x20", memory=f"_x20 {GIB // 2}x20", id_="2"),
    }
    evaluate(Options()).expect(
        series,
        "8m",
        {
            "updraft_task:memory_used_bytes:sum": {LOAD: GIB},
            "updraft_task:cpu_used_cores:sum": {LOAD: 0.2},
        },
    )


def test_a_replica_that_lags_behind_breaks_no_join(evaluate: Evaluate) -> None:
    # The name was given again, and the second replica still tells of the pod before.
    series = {
        **running("p1", "etl.daily", "group.load", replicas=("a",)),
        **running("p1", "other", "task", replicas=("b",)),
    }
    evaluate(Options()).expect(
        series,
        "8m",
        {
            "count(updraft_pod:task:info)": {"{}": 1},
            "sum(updraft_task:cpu_requested_cores:sum)": {"{}": 0.5},
        },
    )


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_a_pod_that_does_not_run_holds_nothing(evaluate: Evaluate, phase: str) -> None:
    series = {
        **running("p1", "etl.daily", "group.load", phase=phase),
        **running("p2", "etl.daily", "extract"),
        **using("p1", cpu="0+3x40", memory=f"{GIB}x40"),
    }
    task = '{dag_id="etl.daily", task_id="extract"}'
    evaluate(Options()).expect(
        series,
        "8m",
        {
            "updraft_task:cpu_requested_cores:sum": {task: 0.5},
            "updraft_task:cost_per_second:sampled > bool 0": {task: 1},
            "updraft_task:memory_used_bytes:sum": {},
        },
    )


def test_the_pods_network_and_its_whole_cgroup_are_no_containers(evaluate: Evaluate) -> None:
    series = {
        **running("p1", "etl.daily", "group.load"),
        **using("p1", cpu="0+3x40", memory=f"{GIB}x40"),
        **using("p1", cpu="0+3x40", memory=f"{GIB}x40", container="", id_="pod"),
        **using("p1", cpu="0+3x40", memory=f"{GIB}x40", container="POD", id_="net"),
    }
    name = "updraft_task:cpu_used_cores:sum"
    evaluate(Options()).expect(series, "8m", {name: {LOAD: 0.2}})


def test_throttling_and_out_of_memory_are_told_by_task(evaluate: Evaluate) -> None:
    of = f'job="kubelet", metrics_path="/metrics/cadvisor", {SPACE}, pod="p1", container="base"'
    killed = f'job="kube-state-metrics", {SPACE}, pod="p1", container="base", reason="OOMKilled"'
    series = {
        **running("p1", "etl.daily", "group.load"),
        f"container_cpu_cfs_periods_total{{{of}}}": "0+150x40",
        f"container_cpu_cfs_throttled_periods_total{{{of}}}": "0+30x40",
        f"kube_pod_container_status_terminated_reason{{{killed}}}": "1x40",
    }
    throttled, out = "updraft_task:cpu_throttled:ratio5m", "updraft_task:pods_out_of_memory:sum"
    evaluate(Options()).expect(series, "8m", {throttled: {LOAD: 0.2}, out: {LOAD: 1}})


def test_quota_is_used_over_hard_whatever_the_replicas(evaluate: Evaluate) -> None:
    series = {
        f'kube_resourcequota{{job="kube-state-metrics", instance="{replica}", {SPACE},'
        f' resourcequota="tasks", resource="pods", type="{type_}"}}': f"{value}x40"
        for replica in ("a", "b")
        for type_, value in (("hard", 40), ("used", 30))
    }
    name = "updraft_namespace:quota_used:ratio"
    labels = f'{{{SPACE}, resourcequota="tasks", resource="pods"}}'
    evaluate(Options()).expect(series, "8m", {name: {labels: 0.75}})
