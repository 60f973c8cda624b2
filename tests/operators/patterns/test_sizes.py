"""A task's size becomes a pod that keeps all of the platform's template and fits into the quota."""

from __future__ import annotations

import importlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient

from infra.root import ROOT
from infra.settings import load
from infra.settings.stack import merge, read
from infra.values import config, pod_template
from infra.values.image import ImageReference
from tests.ssh import known_hosts, private_key
from updraft.errors import ConfigurationError, SizeRefusedError
from updraft.sizes import SCRATCH, task_size

# A stack with all that a pod can get from its settings.
FULL: dict[str, Any] = {
    "dags": {
        "server": None,
        "repository": "git@git.example.com:dags.git",
        "ssh": {"privateKey": private_key(), "knownHosts": known_hosts("git.example.com")},
    },
    "image": {"pullSecrets": ["registry"]},
    "tasks": {
        "nodeSelector": {"pool": "tasks", "zone": "a"},
        "tolerations": [{"key": "tasks", "operator": "Exists"}],
        "quota": {"ephemeralStorage": "50Gi"},
        "spot": {
            "nodeSelector": {"pool": "spot"},
            "tolerations": [{"key": "spot", "effect": "NoExecute", "tolerationSeconds": 30}],
        },
    },
}


def platform(monkeypatch: pytest.MonkeyPatch, change: Mapping[str, object] | None = None) -> Any:
    """Configure the package as the local stack's program does, and return the pod template."""
    settings = load(merge(read("local"), merge(FULL, change or {})))
    for option, value in config.task(settings)["updraft"].items():
        monkeypatch.setenv(f"AIRFLOW__UPDRAFT__{option.upper()}", value)
    image = ImageReference("localhost/updraft/airflow", "abc")
    return PodGenerator.deserialize_model_dict(
        json.loads(json.dumps(pod_template.pod(settings, image)))
    )


def through_the_scheduler(executor_config: dict[str, Any]) -> Any:
    """Return the pod override as the scheduler reads it from the stored DAG."""
    with DAG("sized", schedule=None) as dag:
        BaseOperator(task_id="task", executor_config=executor_config)
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    return DagSerialization.from_dict(stored).get_task("task").executor_config["pod_override"]


def made(template: Any, executor_config: dict[str, Any] | None) -> dict[str, Any]:
    """Return the pod that the KubernetesExecutor sends to the cluster."""
    pod = PodGenerator.construct_pod(
        dag_id="dag", task_id="task", pod_id="pod", try_number=1, kube_image="", date=None,
        args=["airflow"], namespace="airflow-tasks", scheduler_job_id="1",
        pod_override_object=through_the_scheduler(executor_config) if executor_config else None,
        base_worker_pod=template,
    )  # fmt: skip
    sent: dict[str, Any] = ApiClient().sanitize_for_serialization(pod)
    return sent


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the paths of what the first has and the second has not."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            each
            for key, value in before.items()
            for each in lost(value, after.get(key), f"{path}.{key}")
        ]
    if isinstance(before, list) and isinstance(after, list):
        named = {each["name"]: each for each in after if isinstance(each, dict) and "name" in each}
        return [
            each
            for value in before
            for each in (
                lost(value, named[value["name"]], f"{path}[{value['name']}]")
                if isinstance(value, dict) and value.get("name") in named
                else []
                if value in after
                else [f"{path}: {value}"]
            )
        ]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


def test_nothing_of_the_template_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    template = platform(monkeypatch)
    plain = made(template, None)
    sized = made(template, task_size("large", spot=True, scratch="20Gi"))
    gone = lost(plain, sized)
    print("\n".join(gone))
    # The size itself, and the one label of nodes that spot nodes have another value of.
    assert sorted(each.split(":")[0] for each in gone) == [
        ".spec.containers[base].resources.limits.memory",
        ".spec.containers[base].resources.requests.cpu",
        ".spec.containers[base].resources.requests.memory",
        ".spec.nodeSelector.pool",
    ]
    spec = sized["spec"]
    assert [each["name"] for each in spec["containers"]] == ["base"]
    assert [each["name"] for each in spec["initContainers"]] == ["git-sync-init"]
    assert {each["name"] for each in spec["volumes"]} == {
        "dags", "logs", "tmp", "git-sync-tmp", "config", "git-sync-ssh-key", "scratch",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["small", "medium", "large"])
def test_the_pod_has_the_sizes_amounts_and_every_container_has_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    template = platform(monkeypatch)
    spec = made(template, task_size(name))["spec"]
    (base,) = spec["containers"]
    print(base["resources"])
    assert base["resources"] == load(read("local")).tasks.sizes[name].as_dict()
    examined = [*spec["containers"], *spec["initContainers"]]
    assert len(examined) == 2
    for container in examined:
        for side in ("requests", "limits"):
            assert {"cpu", "memory"} <= container["resources"][side].keys()


def test_amounts_of_the_tasks_own_replace_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    template = platform(monkeypatch)

    def resources(**given: str) -> Any:
        return made(template, task_size("medium", **given))["spec"]["containers"][0]["resources"]  # type: ignore[arg-type]

    assert resources(memory="6Gi") == {
        "requests": {"cpu": "250m", "memory": "6Gi"},
        "limits": {"cpu": "2", "memory": "6Gi"},
    }
    assert resources(cpu="500m")["requests"]["cpu"] == "500m"
    assert resources(cpu="500m")["limits"]["cpu"] == "2"
    assert resources(cpu="3") == {
        "requests": {"cpu": "3", "memory": "512Mi"},
        "limits": {"cpu": "3", "memory": "1Gi"},
    }


def test_spot_adds_to_where_task_pods_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    template = platform(monkeypatch)
    spec = made(template, task_size(spot=True))["spec"]
    print(spec["nodeSelector"], spec["tolerations"])
    assert spec["nodeSelector"] == {"pool": "spot", "zone": "a"}
    assert spec["tolerations"] == [
        {"key": "tasks", "operator": "Exists"},
        {"key": "spot", "operator": "Equal", "effect": "NoExecute", "tolerationSeconds": 30},
    ]
    usual = made(template, task_size())["spec"]
    assert usual["nodeSelector"] == {"pool": "tasks", "zone": "a"}
    assert [each["key"] for each in usual["tolerations"]] == ["tasks"]


def test_without_spot_nodes_a_task_runs_where_the_others_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = platform(monkeypatch, {"tasks": {"spot": None}})
    assert lost(made(template, task_size()), made(template, task_size(spot=True))) == []


def scratch(spec: dict[str, Any]) -> tuple[Any, Any, Any]:
    (base,) = spec["containers"]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "scratch"]
    (mount,) = [each for each in base["volumeMounts"] if each["name"] == "scratch"]
    (temporary,) = [each for each in base["env"] if each["name"] == "TMPDIR"]
    assert (mount["mountPath"], temporary["value"]) == (SCRATCH, SCRATCH)
    return volume, base["resources"]["requests"], base["resources"]["limits"]


def test_a_scratch_volume_is_a_bounded_part_of_the_nodes_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = platform(monkeypatch)
    volume, requests, limits = scratch(made(template, task_size(scratch="20Gi"))["spec"])
    print(volume, requests)
    assert volume == {"name": "scratch", "emptyDir": {"sizeLimit": "20Gi"}}
    assert requests["ephemeral-storage"] == "20Gi"  # so that it lands where there is room
    assert "ephemeral-storage" not in limits


def test_a_scratch_volume_comes_from_the_platforms_storage_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = platform(monkeypatch, {"tasks": {"scratchStorageClass": "fast"}})
    volume, requests, _ = scratch(made(template, task_size(scratch="200Gi"))["spec"])
    print(volume)
    claim = volume["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert claim == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "200Gi"}},
    }
    assert "ephemeral-storage" not in requests  # the quota of the nodes' disks is not touched


REFUSED: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "memory": ({"memory": "12.5Gi"}, "12.5Gi of requests.memory", "is 12Gi"),
    "cpu": ({"cpu": "4001m"}, "4001m of requests.cpu", "is 4"),
    "scratch": ({"scratch": "51Gi"}, "51Gi of requests.ephemeral-storage", "is 50Gi"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_more_than_the_whole_quota_is_refused_by_amount_and_quota(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    platform(monkeypatch)
    given, asked, quota = REFUSED[case]
    with pytest.raises(SizeRefusedError) as caught:
        task_size("large", **given)
    print(caught.value)
    assert asked in caught.value.what
    assert caught.value.what.endswith(quota)
    assert caught.value.where == f"task_size('large', {case}={given[case]!r})"
    assert "updraft:tasks.quota" in caught.value.fix


def test_all_of_the_quota_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    platform(monkeypatch)
    pod = task_size("large", memory="12Gi", cpu="4", scratch="50Gi")["pod_override"]
    assert pod.spec.containers[0].resources.limits["memory"] == "12Gi"


MISTAKES: dict[str, tuple[tuple[str, ...], Mapping[str, Any], str, str]] = {
    "no such size": (("huge",), {}, 'there is no size "huge"', "small, medium, large"),
    "no amount": ((), {"memory": "lots"}, "not an amount: 'lots'", "a quantity of Kubernetes"),
    "a wrong unit": ((), {"memory": "6GiB"}, "not an amount: '6GiB'", "a quantity"),
    "nothing": ((), {"cpu": "0"}, "not an amount: '0'", "greater than 0"),
    "less than nothing": ((), {"scratch": "-1Gi"}, "not an amount: '-1Gi'", "greater than 0"),
    "an empty text": ((), {"memory": ""}, "not an amount: ''", "greater than 0"),
    "not a number": ((), {"memory": "NaN"}, "not an amount: 'NaN'", "greater than 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(monkeypatch: pytest.MonkeyPatch, mistake: str) -> None:
    platform(monkeypatch)
    arguments, options, told, fix = MISTAKES[mistake]
    with pytest.raises(ConfigurationError) as caught:
        task_size(*arguments, **options)
    print(caught.value)
    assert told in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.where.startswith("task_size(")


def test_without_a_platform_sizes_are_its_defaults_and_nothing_is_refused() -> None:
    defaults = load(
        {
            "platform": {"name": "here"},
            "cluster": {"context": "here"},
            "image": {"repository": "r/a", "tag": "1"},
            "dags": {"repository": "https://git.example.com/dags.git"},
        }
    )
    theirs = json.loads(config.task(defaults)["updraft"]["task_sizes"])
    assert theirs.keys() == {"small", "medium", "large"}
    for name, given in theirs.items():
        ours = task_size(name)["pod_override"].spec.containers[0].resources
        print(name, ours.requests, ours.limits, given)
        for side in ("requests", "limits"):
            for resource, amount in given[side].items():
                assert _same(getattr(ours, side)[resource], amount)
    assert task_size("large", memory="900Gi", scratch="9Ti")


def _same(one: str, other: str) -> bool:
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 -- heavy

    return bool(parse_quantity(one) == parse_quantity(other))


DAG_FILE = """
from airflow.sdk import DAG, task
from kubernetes.client import models as k8s
from updraft.sizes import task_size

def pod(*memories):
    return k8s.V1Pod(spec=k8s.V1PodSpec(containers=[
        k8s.V1Container(name=f"c{number}", resources=memory and k8s.V1ResourceRequirements(
            requests={"memory": "1Gi"}, limits={"memory": memory}))
        for number, memory in enumerate(memories)]))

with DAG("asks", schedule=None):
    @task(executor_config=CONFIG)
    def work(item=None): ...

    work.CALL
"""


@pytest.fixture
def quota_policy() -> Iterator[None]:
    """The policy as the installed package's entry point registers it."""
    from airflow.settings import get_policy_plugin_manager  # noqa: PLC0415 -- heavy

    entry_points = tomllib.loads((ROOT / "operators" / "pyproject.toml").read_text())["project"]
    module = importlib.import_module(
        entry_points["entry-points"]["airflow.policy"]["updraft-quota"]
    )
    manager = get_policy_plugin_manager()
    if manager.is_registered(module):
        yield
        return
    manager.register(module)
    yield
    manager.unregister(module)


def import_errors(folder: Path, asked: str, call: str = "__call__()") -> list[str]:
    file = folder / "asks.py"
    file.write_text(DAG_FILE.replace("CONFIG", asked).replace("CALL", call))
    bag = DagBag(str(file), bundle_path=folder, bundle_name="test")
    assert len(bag.dags) + len(bag.import_errors) == 1
    return list(bag.import_errors.values())


ASKED: dict[str, tuple[str, str]] = {
    "a size": ("task_size('large', memory='13Gi')", "13Gi of requests.memory"),
    "a pod of their own": ("{'pod_override': pod('13Gi')}", "13Gi of limits.memory"),
    "two containers": ("{'pod_override': pod('7Gi', '6Gi')}", "7Gi + 6Gi of limits.memory"),
    "no amount": ("{'pod_override': pod('lots')}", "not an amount: 'lots'"),
}


@pytest.mark.parametrize("call", ["__call__()", "expand(item=[1, 2])"])
@pytest.mark.parametrize("case", ASKED)
@pytest.mark.usefixtures("quota_policy")
def test_a_dag_that_asks_for_too_much_is_an_import_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str, call: str
) -> None:
    platform(monkeypatch)
    asked, told = ASKED[case]
    (error,) = import_errors(tmp_path, asked, call)
    print(error)
    assert told in error
    assert "fix:" in error


@pytest.mark.parametrize(
    "asked",
    [
        "task_size('large')",
        "{}",
        *(f"{{'pod_override': {pod}}}" for pod in (
            "pod('7Gi', '5Gi')", "pod('0')", "pod(None)", "pod()", "k8s.V1Pod()",
        )),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("quota_policy")
def test_a_dag_that_fits_is_parsed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str
) -> None:
    platform(monkeypatch)
    assert import_errors(tmp_path, asked) == []
