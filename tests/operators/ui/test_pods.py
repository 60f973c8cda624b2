"""A task's pod fetches the commit of its run: the hook, on pods as the executor makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.executors.workloads import ExecuteTask
from airflow.executors.workloads.base import BundleInfo
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.providers.cncf.kubernetes.pod_generator import (
    PodGenerator,
    workload_to_command_args,
)
from kubernetes.client import V1Container, V1EnvVar, V1Pod, V1PodSpec

from infra.settings import load
from infra.settings.stack import read
from infra.values import config, pod_template
from infra.values.image import ImageReference
from updraft import pods

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BUNDLES = [
    {"name": "others", "classpath": "airflow.providers.git.bundles.git.GitDagBundle"},
    *json.loads(
        config.control_plane(load(read("local")))["dag_processor"]["dag_bundle_config_list"]
    ),
]


def construct(bundle: str, version: str | None, path: Path) -> Any:
    """Make a pod from the platform's template, the way that KubernetesExecutor does."""
    path.write_text(pod_template.text(load(read("local")), ImageReference("localhost/a", "1")))
    instance = TaskInstanceDTO(
        id=uuid4(), dag_version_id=uuid4(), dag_id="shop", task_id="sell", run_id="run",
        try_number=1, pool_slots=1, queue="default", priority_weight=1, map_index=-1,
    )  # fmt: skip
    workload = ExecuteTask(
        ti=instance, dag_rel_path=Path("shop.py"), token="", log_path=None,
        bundle_info=BundleInfo(name=bundle, version=version),
    )  # fmt: skip
    return PodGenerator.construct_pod(
        dag_id="shop", task_id="sell", run_id="run", try_number=1, map_index=-1,
        pod_id="shop-sell", date=datetime(2026, 1, 1, tzinfo=UTC), namespace="airflow-tasks",
        kube_image="", scheduler_job_id="1", pod_override_object=None,
        args=workload_to_command_args(workload),
        base_worker_pod=PodGenerator.deserialize_model_file(str(path)),
    )  # fmt: skip


def variables(pod: Any) -> dict[str, str]:
    fetcher = pod.spec.init_containers[0]
    assert fetcher.name == pods.GIT_SYNC
    return {each.name: each.value for each in fetcher.env}


@pytest.fixture(autouse=True)
def bundles(monkeypatch: pytest.MonkeyPatch, own_airflow: None) -> None:  # noqa: ARG001 -- before
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(BUNDLES))


@pytest.mark.parametrize(
    ("bundle", "version", "fetched"),
    [
        ("dags-folder", COMMIT, COMMIT),
        ("dags-folder", None, "main"),  # a DAG with disable_bundle_versioning
        ("others", COMMIT, "main"),  # a commit of another repository
    ],
)
def test_a_pod_fetches_the_commit_that_its_run_is_pinned_to(
    bundle: str, version: str | None, fetched: str, tmp_path: Path
) -> None:
    pod = construct(bundle, version, tmp_path / "pod.yaml")
    before = variables(pod)
    # Of an author's own, with another repository.
    reference = V1EnvVar(name=pods.REFERENCE, value="v1")
    pod.spec.init_containers.append(V1Container(name="models", env=[reference]))
    pods.pod_mutation_hook(pod=pod)
    assert reference.value == "v1"
    after = variables(pod)
    print(bundle, version, {key: value for key, value in after.items() if "REF" in key})
    assert after == {**before, pods.REFERENCE: fetched}


def test_a_pod_that_is_no_tasks_stays_as_it_is() -> None:
    plain = V1Container(name="base", command=["sleep"])
    for initial in (None, [V1Container(name=pods.GIT_SYNC)]):
        pod = V1Pod(spec=V1PodSpec(containers=[plain], init_containers=initial))
        before = pod.to_dict()
        pods.pod_mutation_hook(pod=pod)
        assert pod.to_dict() == before
