"""The platform idle: small, steady, closed, and unchanged by another make up."""

from __future__ import annotations

from typing import Any

import pytest

from infra import versions
from infra.cli import logs
from infra.cli.airflow_api import AirflowApi
from infra.cli.choices import PULUMI
from infra.cli.components import COMPONENTS
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.deploy import pulumi
from infra.errors import UpdraftError
from infra.kubectl import KubectlError
from infra.local import node_stores
from infra.values import names
from tests.cluster import support
from tests.waiting import wait_for

GIB = 1024**3
MOST_MEMORY = 6 * GIB
SHORTEST_SECRET = 12
# What make up applies. Pods are looked at too: a new one would show a restarted workload.
KINDS = (
    "deployments,statefulsets,daemonsets,services,configmaps,secrets,serviceaccounts,roles,"
    "rolebindings,resourcequotas,limitranges,cronjobs,persistentvolumeclaims,poddisruptionbudgets"
)
ALIVE = f"{KINDS},pods,jobs"


def control_plane(platform: Platform) -> list[dict[str, Any]]:
    pods = platform.kubectl.items("pods", "-n", platform.namespace)
    return [pod for pod in pods if pod["status"]["phase"] == "Running"]


def state_of(platform: Platform) -> dict[str, tuple[str, int]]:
    """UID and generation of everything that stays, in all namespaces of the platform."""
    spaces = platform.settings.namespaces
    found = {}
    for namespace in (spaces.airflow, spaces.tasks, spaces.monitoring):
        for item in platform.kubectl.items(ALIVE, "-n", namespace):
            owners = [owner["kind"] for owner in item["metadata"].get("ownerReferences", [])]
            if item["kind"] == "Job" and "CronJob" in owners:
                continue  # time makes and ends these
            meta = item["metadata"]
            key = f"{namespace}/{item['kind']}/{meta['name']}"
            found[key] = (meta["uid"], meta.get("generation", 0))
    return found


def versions_of(platform: Platform) -> dict[str, str]:
    """Resource versions of what nothing but a deploy writes."""
    kinds = "configmaps,secrets,serviceaccounts,roles,rolebindings,limitranges"
    items = platform.kubectl.items(kinds, "-n", platform.namespace)
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for item in items
    }


def test_a_second_make_up_changes_nothing(platform: Platform, api: AirflowApi) -> None:
    support.settle(platform)
    before, versions = state_of(platform), versions_of(platform)
    runs = {run["dag_run_id"] for run in api.runs(support.DAG, limit=50)}
    told = support.command("up")
    print(told)
    assert "see first: " in told
    assert "NOTICE" not in told, "it was told at the first run"
    assert len(before) > 20
    assert state_of(platform) == before
    assert versions_of(platform) == versions
    assert {run["dag_run_id"] for run in api.runs(support.DAG, limit=50)} == runs


def test_a_preview_straight_after_is_empty(platform: Platform) -> None:
    if platform.chosen.engine != PULUMI:
        pytest.skip("Pulumi is not on PATH, so it did not deploy: NO preview was made")
    chosen = platform.chosen
    changes = pulumi.preview(platform.config, chosen.stack, platform.paths.state, print)
    assert changes == {}


@pytest.mark.usefixtures("platform")
def test_the_status_names_every_component() -> None:
    told = support.command("status")
    for name in (names.SCHEDULER, names.API_SERVER, names.DAG_PROCESSOR, names.POSTGRESQL):
        assert name in told
    assert support.DAG in told
    assert f"version   {versions.UPDRAFT}\n" in told


def test_the_ui_is_told_with_user_and_password(platform: Platform) -> None:
    user, password = platform.administrator()
    assert f"user:      {user}\npassword:  {password}\n" in support.command("ui", SECRETS="1")
    assert password not in support.command("ui")


def test_the_node_has_its_layers_from_the_cache(platform: Platform) -> None:
    root, kept = platform.paths.containerd_root, node_stores.folder(platform.paths.cache)
    if not kept.exists() or kept.stat().st_dev != root.stat().st_dev:
        pytest.skip(f"no links lead from {kept} to {root}, so the node imported its images")
    cached, own = (
        {path.stat().st_ino for path in folder.rglob("snapshots/*/fs/usr/bin/*") if path.is_file()}
        for folder in (kept, root)
    )
    print(
        f"{len(cached)} programs in the cache, {len(own)} in the node, {len(own - cached)} its own"
    )
    assert len(own) > 100
    assert own <= cached


def test_a_service_is_found_at_once_though_it_was_asked_for_before_it_was_there(
    platform: Platform,
) -> None:
    kubectl, namespace = platform.kubectl, platform.namespace
    pod = f"deployment/{names.SCHEDULER}"

    def found(name: str) -> bool:
        script = f"import socket; socket.gethostbyname({name!r})"
        told = kubectl.run(
            "exec", pod, "-n", namespace, "--", "sh", "-c", f'python -c "{script}" 2>&1 || true'
        )
        print(told or f"{name} is known")
        assert not told or "Name or service not known" in told
        return not told

    service = "late"
    name = f"{service}.{namespace}.svc.cluster.local"
    assert not found(name)
    kubectl.run("create", "service", "clusterip", service, "--tcp=80", "-n", namespace)
    try:
        wait_for(lambda: found(name), 5, "the Service's name")
    finally:
        kubectl.run("delete", "service", service, "-n", namespace)


def test_each_component_has_a_log(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMPONENTS:
        logs.logs(Options(instance=platform.paths.instance), name, support.DAG)
        told = capsys.readouterr().out
        print(f"{name}: {len(told.splitlines())} lines")
        assert told, name
        assert "no log: " not in told
    refused = support.attempt("logs", "nonsense")
    print(refused.stdout)
    assert refused.returncode == 1
    assert all(name in refused.stdout for name in COMPONENTS)


@pytest.mark.usefixtures("platform")
def test_logs_shows_what_the_tasks_printed() -> None:
    told = support.command("logs")
    assert "Processing item" in told
    assert "=== process[" in told


def test_a_choice_that_would_change_is_refused_and_the_platform_goes_on(api: AirflowApi) -> None:
    done = support.attempt("up", "--context", "elsewhere", "--registry", "registry.example.com/x")
    print(done.stdout)
    assert done.returncode == 1
    assert "can't change in place" in done.stdout
    assert api.dag(support.DAG) is not None


def test_a_wrong_setting_is_refused_and_the_platform_goes_on(platform: Platform) -> None:
    before = state_of(platform)
    done = support.attempt("up", "--set", "tasks.quota.pods=many")
    print(done.stdout)
    assert done.returncode == 1
    assert "updraft:tasks.quota.pods" in done.stdout
    assert state_of(platform) == before


def test_idle_it_takes_at_most_six_gibibytes(platform: Platform) -> None:
    support.settle(platform)
    used = platform.cluster.working_set()
    print(f"working set: {used / GIB:.2f} GiB")
    assert GIB / 2 < used <= MOST_MEMORY


def test_no_container_has_restarted(platform: Platform) -> None:
    restarts = {
        f"{pod['metadata']['name']}/{state['name']}": state["restartCount"]
        for pod in control_plane(platform)
        for state in pod["status"]["containerStatuses"]
    }
    print(restarts)
    assert len(restarts) >= 5
    assert not {name: count for name, count in restarts.items() if count}


@pytest.mark.parametrize("space", ["airflow", "tasks", "monitoring"])
def test_a_privileged_pod_is_refused_in_every_namespace(platform: Platform, space: str) -> None:
    namespace = getattr(platform.settings.namespaces, space)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "intruder", "namespace": namespace},
        "spec": {
            "containers": [
                {
                    "name": "x",
                    "image": "localhost/x:1",
                    "securityContext": {"privileged": True},
                    "resources": {
                        "requests": {"cpu": "1m", "memory": "1Mi"},
                        "limits": {"cpu": "1m", "memory": "1Mi"},
                    },
                }
            ]
        },
    }
    with pytest.raises(KubectlError, match="violates PodSecurity") as caught:
        platform.kubectl.apply([pod])
    print(caught.value)


@pytest.mark.usefixtures("ledger")
def test_a_task_pod_holds_no_secret_of_the_control_plane(
    platform: Platform, api: AirflowApi
) -> None:
    """Looks into the processes of a running task, not at what was asked of Kubernetes."""
    report = support.trigger(api, items=1, seconds=20)
    watcher = platform.watcher(api)

    def running() -> str:
        watcher.look(report)
        pod = report.pods.get(("process", 0, support.FIRST_TRY))
        return pod.name if pod and pod.phase == "Running" else ""

    name = wait_for(running, support.RUN_TIMEOUT, "the task's pod to run")
    look = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls /var/run/secrets 2>&1; env"
    into = ("exec", "-n", platform.tasks_namespace, name, "-c", "base", "--", "sh", "-c", look)
    seen = platform.kubectl.run(*into)
    assert "AIRFLOW" in seen, "nothing was looked at"
    assert "kubernetes.io" not in seen.partition("ls:")[0], "a token of the cluster is mounted"
    held = secret_values(platform)
    found = [where for where, value in held.items() if value in seen]
    print(f"{len(seen)} bytes of environment looked at for {len(held)} values of Secrets")
    assert len(held) >= 5
    assert not found
    assert "SQL_ALCHEMY_CONN" not in seen
    support.finish(platform, api, report)


def secret_values(platform: Platform) -> dict[str, str]:
    """Each value of the control plane's Secrets that is long enough to be told from a word."""
    found = {}
    for item in platform.kubectl.items("secrets", "-n", platform.namespace):
        name = item["metadata"]["name"]
        for key, value in platform.secret(name).items() if item.get("data") else ():
            if len(value) >= SHORTEST_SECRET and "username" not in key.lower():
                found[f"{name}/{key}"] = value
    return found


def test_the_api_refuses_a_wrong_password(platform: Platform) -> None:
    intruder = AirflowApi(f"http://127.0.0.1:{platform.chosen.ui_port}", "admin", "wrong")
    with pytest.raises(UpdraftError, match="401"):
        intruder.dags()
