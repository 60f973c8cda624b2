"""The embedded cluster's life: up, status, stop, down; each can be run again from any state."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.local import cleanup, mounts, network, tools
from infra.local.cgroups import Subtree
from infra.local.images import Archive, Store
from infra.local.node import NODE_PROGRAMS
from infra.local.paths import Paths
from infra.local.processes import Processes
from infra.local.start import Start
from infra.output import Print

STOP_GRACE = 20.0
DEFAULT_UI_PORT = 8080


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is there of a cluster.

    Args:
        exists: Whether it was brought up once and not taken down since.
        ready: Whether its API answers and its node is Ready.
        processes: Each node program's pid, None where it does not run.
        reason: Why it is not ready.
    """

    exists: bool
    ready: bool
    processes: dict[str, int | None]
    reason: str = ""


class Cluster:
    """One instance of the embedded cluster.

    Args:
        paths: Where it keeps its things.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._cgroups = Subtree(paths.name)
        self._processes = Processes(paths, self._cgroups)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.paths.kubeconfig

    @property
    def context(self) -> str:
        """The context's name in that kubeconfig."""
        return self.paths.name

    @property
    def node_address(self) -> str:
        """The node's address, as the host reaches it."""
        return network.node_address(IPv4Network(self._recorded()["subnet"]))

    @property
    def ui_port(self) -> int | None:
        """The port of the host's loopback that its forwarder listens on now, if it runs."""
        if not self._cgroups.pids("node", "ui-forwarder") or not self.exists:
            return None
        return int(self._recorded()["ui_port"])

    @property
    def exists(self) -> bool:
        """Whether it was brought up once and not taken down since."""
        return (self.paths.state / "cluster.json").exists()

    def _recorded(self) -> dict[str, Any]:
        try:
            recorded: dict[str, Any] = json.loads((self.paths.state / "cluster.json").read_text())
        except FileNotFoundError as error:
            raise UpdraftError(
                f"there is no cluster {self.paths.instance} on this machine", fix="make up"
            ) from error
        return recorded

    def up(
        self,
        output: Print,
        *,
        ui_port: int = DEFAULT_UI_PORT,
        archives: Sequence[Archive] = (),
    ) -> None:
        """Bring it up, or what is missing of it; a second run changes nothing.

        Args:
            output: Told what is done.
            ui_port: The port of the host's loopback that leads to the UI's node port.
            archives: Archive and reference of each image that the node is to hold.

        Raises:
            UpdraftError: No root, a port in use, a program that does not start, or one that runs
                under this name and keeps its state elsewhere.
        """
        if os.geteuid() != 0:
            raise UpdraftError(
                "the embedded cluster makes namespaces and cgroups, which only root may",
                fix="run it as root (sudo make up), or name a cluster by CONTEXT=",
            )
        self.paths.refuse_other_state()
        if self.ui_port != ui_port:
            refuse_taken(ui_port)
        try:
            Start(self.paths, self._cgroups, self._processes, output).run(ui_port, archives)
        except OSError as error:
            raise UpdraftError(
                f"the cluster could not be brought up: {error.strerror or error}",
                where=str(error.filename or self.paths.state),
                fix="make doctor shows what the machine lacks; then run it again",
            ) from error

    def stop(self, output: Print = lambda _: None) -> None:
        """End all its processes, pods too, and keep its data.

        Raises:
            UpdraftError: Another state folder is that of what runs.
        """
        self.paths.refuse_other_state()
        for name in ("kubelet", "kube-controller-manager", "kube-scheduler", "provisioner"):
            self._processes.stop(name, grace=2.0)
        if self._cgroups.pids("kubepods"):
            output("ending the pods")
            self._cgroups.kill("kubepods", grace=STOP_GRACE)
        # The API server keeps nothing, and would wait for its watchers; etcd closes its files.
        self._processes.stop("kube-apiserver", grace=0.0)
        self._processes.stop("etcd", grace=10.0)
        cleanup.clear(self.paths, self._cgroups)

    def down(self, output: Print = lambda _: None) -> None:
        """End all its processes and delete its data.

        Raises:
            UpdraftError: Something of it is still there, or what runs keeps its state elsewhere.
        """
        self.paths.refuse_other_state()
        cleanup.clear(self.paths, self._cgroups)
        if self.paths.state.exists():
            output(f"deleting {self.paths.state}")
            mounts.remove_mountpoints(self.paths)
            shutil.rmtree(self.paths.state)
        remaining = cleanup.found(self.paths)
        if remaining:
            raise UpdraftError("not everything could be removed", where="; ".join(remaining))

    def status(self) -> ClusterStatus:
        """What runs of it, and whether it is ready."""
        if not self.exists:
            return ClusterStatus(exists=False, ready=False, processes={}, reason="never made")
        running = {name: self._processes.pid(name) for name in NODE_PROGRAMS}
        ended = [name for name, pid in running.items() if pid is None]
        if ended:
            reason = f"not running: {', '.join(ended)}"
            return ClusterStatus(exists=True, ready=False, processes=running, reason=reason)
        reason = self._start().unready()
        return ClusterStatus(exists=True, ready=not reason, processes=running, reason=reason)

    def _start(self) -> Start:
        return Start(self.paths, self._cgroups, self._processes, lambda _: None)

    def _store(self) -> Store:
        ctr = tools.ensure(["ctr"], lambda _: None, cache=self.paths.cache)["ctr"]
        return Store(ctr, self.paths.containerd_socket, self._recorded()["snapshotter"])

    def load_image(self, archive: Path, ref: str) -> bool:
        """Give the node an image; returns False when it has it already.

        Raises:
            UpdraftError: The archive does not hold the reference, or the node does not run.
        """
        return self._store().load(archive, ref)

    def images(self) -> set[str]:
        """The references of the images that the node has."""
        return self._store().references()

    def remove_images(self, refs: set[str]) -> None:
        """Take images from the node."""
        if refs:
            self._store().remove(refs)

    def working_set(self) -> int:
        """Bytes of memory in use by the node's programs and all pods."""
        return self._cgroups.working_set()

    def kubectl(self) -> Kubectl:
        """Kubectl as the administrator."""
        binary = tools.ensure(["kubectl"], lambda _: None, cache=self.paths.cache)["kubectl"]
        return Kubectl(binary, self.kubeconfig, self.context, here=True)


def refuse_taken(port: int) -> None:
    """Raise when another program listens on the port of the host's loopback."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UpdraftError(
                f"port {port} of this machine is in use ({error.strerror})",
                where=f"127.0.0.1:{port}",
                fix="end what listens there, or choose another: UI_PORT=8081",
            ) from error
