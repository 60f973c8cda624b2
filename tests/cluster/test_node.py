"""The embedded cluster comes up from any state it can be left in, and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kubectl import Kubectl
from infra.local import cleanup, mounts
from infra.local.cgroups import Subtree
from infra.local.cluster import Cluster
from infra.local.paths import Paths
from infra.local.shell import run
from infra.root import ROOT
from tests.cluster import support
from tests.waiting import wait_for

pytestmark = pytest.mark.slow(group="node")
SYSCTLS = [Path("/proc/sys") / name for name in (*mounts.SYSCTLS, "net/ipv4/ip_forward")]


def host() -> dict[str, str]:
    """What of the host must stay as it is: settings, routes, firewall, mounts."""
    mountinfo = Path("/proc/self/mountinfo").read_text().splitlines()
    mounted = sorted(line.split(" ")[4] for line in mountinfo if "test-node" in line)
    firewall = run("nft", "list", "ruleset", check=False)
    routes = run("ip", "-4", "route", "show", "table", "all")
    settings = {str(file): file.read_text() for file in SYSCTLS}
    kept = "\n".join(line for line in routes.splitlines() if " updraft-" not in line)
    return {**settings, "routes": kept, "firewall": firewall, "mounts": "\n".join(mounted)}


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    if os.geteuid() != 0:
        pytest.skip("the embedded cluster needs root")
    return host()


@pytest.fixture(scope="module")
def cluster(before: dict[str, str]) -> Iterator[Cluster]:
    assert before
    made = Cluster(Paths.for_instance(f"test-node-{os.getpid()}"))
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def port() -> int:
    return support.free_port()


def pods(kubectl: Kubectl) -> dict[str, str]:
    """The uid of each pod that is ready."""
    found = kubectl.items("pods", "--all-namespaces")
    ready = {}
    for pod in found:
        conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
        if conditions.get("Ready") == "True":
            ready[pod["metadata"]["name"]] = pod["metadata"]["uid"]
    return ready


def stateful(image: str) -> list[dict[str, Any]]:
    """A pod with a volume of its own, and a value that must outlive everything."""
    labels = {"app": "keeper"}
    container = {
        "name": "keeper",
        "image": image,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    spec = {
        "serviceName": "keeper",
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        "volumeClaimTemplates": [claim],
    }
    metadata = {"name": "keeper", "namespace": "default"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"kept": "yes"}},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec},
    ]


def volume(cluster: Cluster) -> Path:
    """The one volume's directory."""
    (found,) = cluster.paths.volumes.iterdir()
    return found


def came_back(cluster: Cluster) -> None:
    """Wait for the pods, and look for what was stored."""
    kubectl = cluster.kubectl()
    wait_for(lambda: len(pods(kubectl)) == 2, 90, "both pods ready again")
    assert kubectl.json("get", "configmap", "keeper")["data"] == {"kept": "yes"}
    assert (volume(cluster) / "row").read_text() == "kept"


def test_it_comes_up_and_serves_volumes(cluster: Cluster, port: int) -> None:
    began = time.monotonic()
    cluster.up(print, ui_port=port)
    print(f"ready in {time.monotonic() - began:.1f} s; {cluster.working_set() >> 20} MiB")
    kubectl = cluster.kubectl()
    (pause,) = [image for image in cluster.images() if "/pause:" in image]
    kubectl.apply(stateful(pause))
    wait_for(lambda: "keeper-0" in pods(kubectl), 60, "the pod with a volume")
    (volume(cluster) / "row").write_text("kept")
    assert cluster.status().ready
    assert cluster.ui_port == port


def test_a_second_up_changes_nothing(cluster: Cluster, port: int) -> None:
    processes = cluster.status().processes
    uids = pods(cluster.kubectl())
    cluster.up(print, ui_port=port)
    assert cluster.status().processes == processes
    assert pods(cluster.kubectl()) == uids
    assert len(uids) == 2


def test_the_host_stays_as_it_was(cluster: Cluster, before: dict[str, str]) -> None:
    assert cluster.status().ready
    now = host()
    changed = {key for key in before if key != "mounts" and before[key] != now[key]}
    assert changed == set()
    # The file systems of pods are mounted in the node's namespace alone.
    kept = [line for line in now["mounts"].splitlines() if line]
    print(kept)
    assert all("/ns" in mount or "netns" in mount for mount in kept)


def test_pods_outlive_the_nodes_own_programs(cluster: Cluster, port: int) -> None:
    kubectl = cluster.kubectl()
    uids = pods(kubectl)
    tree = Subtree(cluster.paths.name)
    running = tree.pids("kubepods")
    tree.signal(signal.SIGKILL, "node")
    cluster.up(print, ui_port=port)
    assert running
    assert running <= tree.pids("kubepods"), "no container was started anew"
    assert pods(kubectl) == uids


def test_everything_killed_comes_up_again(cluster: Cluster, port: int) -> None:
    Subtree(cluster.paths.name).kill()
    assert not cluster.status().ready
    cluster.up(print, ui_port=port)
    came_back(cluster)


def test_stopped_it_leaves_no_process_and_keeps_its_data(cluster: Cluster, port: int) -> None:
    cluster.stop()
    assert cleanup.found(cluster.paths) == []
    cluster.up(print, ui_port=port)
    came_back(cluster)


def test_a_restarted_machine_is_recognised(cluster: Cluster, port: int) -> None:
    records = cluster.paths.run / "processes"
    kept = {file.name: file.read_text() for file in records.iterdir()}
    cleanup.clear(cluster.paths, Subtree(cluster.paths.name))
    # Where /run is no tmpfs its files stay, and name processes that are now others'.
    records.mkdir(parents=True)
    for name, text in kept.items():
        (records / name).write_text(json.dumps({**json.loads(text), "pid": 1}))
    assert set(cluster.status().processes.values()) == {None}
    cluster.up(print, ui_port=port)
    came_back(cluster)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 3.0])
def test_a_killed_up_is_taken_up_again(cluster: Cluster, port: int, seconds: float) -> None:
    cluster.stop()
    script = (
        "import os, signal, threading\n"
        "from infra.local.cluster import Cluster\n"
        "from infra.local.paths import Paths\n"
        f"threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        f"Cluster(Paths.for_instance({cluster.paths.instance!r})).up(print, ui_port={port})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    cluster.up(print, ui_port=port)
    came_back(cluster)


def test_taken_down_it_leaves_nothing(cluster: Cluster, before: dict[str, str]) -> None:
    cluster.down()
    assert cleanup.found(cluster.paths) == []
    assert not cluster.paths.state.exists()
    assert host() == before
    assert cluster.paths.name not in run("ip", "netns", "list")
