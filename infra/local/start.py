"""One start of the node: each step makes what is missing, and tells what kept it from it."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.local import (
    addons,
    cleanup,
    images,
    mounts,
    network,
    node,
    node_stores,
    packages,
    pki,
    tools,
)
from infra.local.cgroups import Subtree
from infra.local.paths import Paths
from infra.local.processes import Process, Processes
from infra.local.programs import NODE_IMAGES, NODE_TOOLS
from infra.local.shell import run
from infra.output import Print

PATIENCE = 120.0
POLL = 0.1


def snapshotter(folder: Path) -> str:
    """The way to stack layers that the folder's file system allows: overlayfs, else copies."""
    trial = folder / "overlay-trial"
    parts = {name: trial / name for name in ("lower", "upper", "work", "merged")}
    for part in parts.values():
        part.mkdir(parents=True, exist_ok=True)
    options = ",".join(f"{n}dir={parts[n]}" for n in ("lower", "upper", "work"))
    mount = ("mount", "-t", "overlay", "overlay", "-o", options, str(parts["merged"]))
    try:
        run("unshare", "--mount", "--", *mount)
    except UpdraftError:
        return "native"
    finally:
        run("rm", "-rf", str(trial))
    return images.OVERLAYFS


class Start:
    """What one run of up does, in order."""

    def __init__(self, paths: Paths, cgroups: Subtree, processes: Processes, output: Print) -> None:
        self.paths = paths
        self.cgroups = cgroups
        self.processes = processes
        self.output = output

    def run(self, ui_port: int, archives: Sequence[images.Archive] = ()) -> None:
        """Do it all.

        Args:
            ui_port: The port of the host's loopback that leads to the UI's node port.
            archives: Archive and reference of each image that the node is to hold.

        Raises:
            UpdraftError: A step failed; running it again goes on from there.
        """
        began = time.monotonic()
        packages.ensure(packages.NODE_PACKAGES, self.paths.cache, self.output)
        built = tools.ensure(NODE_TOOLS, self.output, cache=self.paths.cache)
        self._folders()
        recorded = self._record(ui_port)
        cleanup.mend(self.paths, self.cgroups, self.output)
        subnet = IPv4Network(recorded["subnet"])
        address = network.node_address(subnet)
        self._spaces(subnet)
        pause, coredns = self._own_images(built)
        version = tools.kubernetes_version()
        pki.ensure(self.paths, built["kubeadm"], built["kubectl"], address=address, version=version)
        stacking = recorded["snapshotter"]
        node.write_configs(self.paths, address=address, pause=pause[1], snapshotter=stacking)
        changed = self._start(
            node.etcd(self.paths, built), node.api_server(self.paths, built, address)
        )
        # While they start.
        node_stores.NodeStores(self.paths.cache, self.paths.run, built, stacking, self.output).give(
            self.paths.containerd_root, [pause, coredns, *archives]
        )
        store = images.Store(built["ctr"], self.paths.containerd_socket, stacking)
        changed |= self._start(node.containerd(self.paths, built))
        self._wait(store.answers, "containerd")
        for archive, reference in (pause, coredns):
            store.load(archive, reference)
        with images.loading(store, archives, self._tell_loaded):
            changed |= self._workers(built, address, ui_port)
            self._ready(built, coredns[1], store)
        done = f"in {time.monotonic() - began:.0f} s" if changed else "and was so before"
        self.output(f"Kubernetes {version} is ready on {address} {done}")

    def _folders(self) -> None:
        paths = self.paths
        for folder in (paths.cache, paths.state, paths.config, paths.logs, paths.volumes):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # etcd refuses to keep its data where others may look.
        (paths.state / "etcd").mkdir(exist_ok=True, mode=0o700)

    def _record(self, ui_port: int) -> dict[str, Any]:
        file = self.paths.state / "cluster.json"
        recorded: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        if "subnet" not in recorded:
            recorded["subnet"] = str(network.free_subnet(self.paths.link[-7:]))
            recorded["snapshotter"] = snapshotter(self.paths.state)
        recorded["ui_port"] = ui_port
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(recorded))
        partial.replace(file)
        return recorded

    def _spaces(self, subnet: IPv4Network) -> None:
        self.paths.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.state_of_run.write_text(str(self.paths.state))
        self.cgroups.make("node")
        self.cgroups.make("shims")
        network.ensure(self.paths, subnet)
        mounts.ensure(self.paths)
        # The kubelet's cAdvisor can't be told where containerd listens, and without it a container
        # has no name in what it measures. The node finds the folder as /run/containerd.
        usual = self.paths.run / "shims" / "containerd.sock"
        if not usual.is_symlink():
            usual.symlink_to(self.paths.containerd_socket)

    def _own_images(self, built: node.Tools) -> list[images.Archive]:
        folder = self.paths.cache / "images" / "node"
        return [
            images.static_archive(name, built[name], images.NOBODY, folder) for name in NODE_IMAGES
        ]

    def _tell_loaded(self, reference: str) -> None:
        self.output(f"{reference} loaded into the node")

    def _start(self, *programs: Process) -> bool:
        started = [program.name for program in programs if self.processes.start(program)]
        return bool(started)

    def _workers(self, built: node.Tools, address: str, ui_port: int) -> bool:
        paths = self.paths
        changed = self._start(node.kubelet(paths, built, address))
        self._wait(self.api_answers, "kube-apiserver", "etcd")
        self._administrators(built)
        return changed | self._start(
            *node.controllers(paths, built),
            *node.network_and_storage(paths, built),
            node.forwarder(address, ui_port),
            node.log_keeper(paths),
        )

    def _administrators(self, built: node.Tools) -> None:
        """Give the administrator rights, by the super-administrator whom kubeadm made for it."""
        kubeconfig = self.paths.state / "kubeconfigs" / "super-admin.conf"
        context = f"kubernetes-super-admin@{self.paths.name}"
        Kubectl(built["kubectl"], kubeconfig, context, here=True).apply(addons.administrators())

    def _kubectl(self, built: node.Tools) -> Kubectl:
        return Kubectl(built["kubectl"], self.paths.kubeconfig, self.paths.name, here=True)

    def _ready(self, built: node.Tools, coredns: str, store: images.Store) -> None:
        kubectl = self._kubectl(built)
        kubectl.apply([*addons.storage(), *addons.dns(coredns)])
        self._wait(lambda: not self.unready(), "kubelet", "containerd")

        def dns_answers() -> bool:
            # The API may tell of a container from before a restart: only one that runs counts.
            alive = store.running()
            return any(
                status["ready"] and status["containerID"].removeprefix("containerd://") in alive
                for pod in kubectl.items("pods", "-n", "kube-system", "-l", addons.DNS_SELECTOR)
                for status in pod["status"].get("containerStatuses", [])
            )

        self._wait(dns_answers, "kubelet", "kube-controller-manager", "kube-scheduler")

    def api_answers(self) -> bool:
        """Whether the API server says that it is ready."""
        recorded = json.loads((self.paths.state / "cluster.json").read_text())
        address = network.node_address(IPv4Network(recorded["subnet"]))
        try:
            trusted = ssl.create_default_context(cafile=str(self.paths.pki / "ca.crt"))
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
            )
            with opener.open(f"https://{address}:{node.API_PORT}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own number
        except OSError:
            return False

    def unready(self) -> str:
        """Why the node takes no pods; empty when it does."""
        if not self.api_answers():
            return "the API server does not answer"
        built = tools.ensure(["kubectl"], self.output, cache=self.paths.cache)
        try:
            found = self._kubectl(built).json("get", "node", self.paths.name)
        except UpdraftError as error:
            return str(error)
        for condition in found["status"].get("conditions", []):
            if condition["type"] == "Ready":
                ready = condition["status"] == "True"
                return "" if ready else f"the node is not Ready: {condition.get('message')}"
        return "the node has not reported yet"

    def _wait(self, predicate: Callable[[], bool], *names: str) -> None:
        """Wait until it is so; fail when one of the named programs ends for good, or none helps."""
        until = time.monotonic() + PATIENCE
        while not predicate():
            ended = [name for name in names if self.processes.pid(name) is None]
            if ended or time.monotonic() > until:
                name = (ended or list(names))[0]
                what = (
                    "ends as soon as it is started"
                    if ended
                    else f"is not ready in {PATIENCE:.0f} s"
                )
                raise UpdraftError(
                    f"{name} {what}; it says last:\n{self.processes.tail(name)}",
                    where=str(self.processes.log(name)),
                    fix="mend what it says, then run it again; where that makes no sense, a program"
                    f" or an image may be damaged: delete {self.paths.cache / 'tools'} and"
                    f" {node_stores.folder(self.paths.cache)}, which are made again, and make down",
                )
            time.sleep(POLL)
