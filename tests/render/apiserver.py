"""A Kubernetes API with its controllers but without nodes, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.kubectl import Kubectl
from tests.waiting import wait_for

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubeadm", "kubectl")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


@contextlib.contextmanager
def running(tools: Mapping[str, Path], folder: Path) -> Iterator[Kubectl]:
    """Run etcd, API server and controllers; their processes end with the context."""
    client, peer, api, manager = free_ports(4)
    pki = folder / "pki"
    subprocess.run(
        [tools["kubeadm"], "init", "phase", "certs", "sa", "--cert-dir", pki],
        check=True,
        capture_output=True,
    )
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(api, token)))
    etcd = [
        "--data-dir", folder / "etcd", "--unsafe-no-fsync", "--log-level=error",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
    ]  # fmt: skip
    server = [
        f"--etcd-servers=http://127.0.0.1:{client}", f"--secure-port={api}",
        "--bind-address=127.0.0.1", "--cert-dir", folder / "apiserver",
        "--authorization-mode=RBAC", "--token-auth-file", folder / "tokens.csv",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file", pki / "sa.pub",
        "--service-account-signing-key-file", pki / "sa.key",
        "--service-cluster-ip-range=10.0.0.0/16", "--endpoint-reconciler-type=none",
    ]  # fmt: skip
    manage = [
        "--kubeconfig", kubeconfig, f"--secure-port={manager}", "--leader-elect=false",
        "--bind-address=127.0.0.1", "--cert-dir", folder / "manager",
        "--service-account-private-key-file", pki / "sa.key",
    ]  # fmt: skip
    kubectl = Kubectl(tools["kubectl"], kubeconfig, "nodeless")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process(tools["etcd"], etcd, folder))
        stack.enter_context(_process(tools["kube-apiserver"], server, folder))
        wait_for(kubectl.reachable, timeout=60, what="the API server to be ready")
        stack.enter_context(_process(tools["kube-controller-manager"], manage, folder))
        wait_for(
            lambda: kubectl.items("serviceaccounts", "-n", "default"),
            timeout=60,
            what="the controllers to make the default ServiceAccount",
        )
        yield kubectl


@contextlib.contextmanager
def _process(program: Path, args: list[object], folder: Path) -> Iterator[None]:
    with (folder / f"{program.name}.log").open("wb") as log:
        started = subprocess.Popen(
            [program, *map(str, args)],
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        try:
            yield
        finally:
            started.send_signal(signal.SIGTERM)
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def _kubeconfig(port: int, token: str) -> dict[str, object]:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nodeless",
        "clusters": [{"name": "nodeless", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "nodeless", "context": {"cluster": "nodeless", "user": "admin"}}],
    }
