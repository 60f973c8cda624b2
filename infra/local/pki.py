"""The cluster's certificates and kubeconfigs, made by kubeadm as it does upstream."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from infra.local.network import SERVICE_RANGE
from infra.local.paths import Paths
from infra.local.shell import run
from infra.values.names import DOMAIN

TEN_YEARS = "87600h0m0s"
# Programs that kubeadm makes no kubeconfig for: each gets one as the user that RBAC knows.
USERS = {"kube-proxy": "system:kube-proxy", "provisioner": "updraft:provisioner"}


def _documents(paths: Paths, pki: Path, address: str, version: str) -> str:
    api = "kubeadm.k8s.io/v1beta4"
    init = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": address, "bindPort": 6443},
        "nodeRegistration": {
            "name": paths.name,
            "criSocket": f"unix://{paths.containerd_socket}",
        },
    }
    cluster = {
        "apiVersion": api,
        "kind": "ClusterConfiguration",
        "clusterName": paths.name,
        "kubernetesVersion": version,
        "certificatesDir": str(pki),
        "certificateValidityPeriod": TEN_YEARS,
        "encryptionAlgorithm": "ECDSA-P256",
        "networking": {"serviceSubnet": SERVICE_RANGE, "dnsDomain": DOMAIN},
        "apiServer": {"certSANs": ["127.0.0.1", "localhost", address]},
    }
    return f"{json.dumps(init)}\n---\n{json.dumps(cluster)}\n"


def _partial(paths: Paths, name: str) -> Path:
    """A path for what is being made; no one else's, as a killed run's kubeadm may still write."""
    for left in paths.state.glob(f"{name}.partial-*"):
        shutil.rmtree(left, ignore_errors=True)
    return paths.state / f"{name}.partial-{os.getpid()}"


def ensure(paths: Paths, kubeadm: Path, kubectl: Path, *, address: str, version: str) -> None:
    """Make what is missing: certificates, the programs' kubeconfigs, the administrator's.

    Everything is made beside its place and moved there whole, so a killed run leaves no half key.
    """
    if not paths.pki.exists():
        partial = _partial(paths, "pki")
        config = paths.config / "kubeadm.json"
        config.write_text(_documents(paths, partial, address, version))
        run(kubeadm, "init", "phase", "certs", "all", "--config", config)
        partial.replace(paths.pki)
    folder = paths.state / "kubeconfigs"
    if not folder.exists():
        _kubeconfigs(paths, kubeadm, kubectl, _documents(paths, paths.pki, address, version))


def _kubeconfigs(paths: Paths, kubeadm: Path, kubectl: Path, documents: str) -> None:
    partial = _partial(paths, "kubeconfigs")
    partial.mkdir(mode=0o700)
    config = paths.config / "kubeadm.json"
    config.write_text(documents)
    run(
        *(kubeadm, "init", "phase", "kubeconfig", "all"),
        *("--config", config, "--kubeconfig-dir", partial),
    )
    for name, user in USERS.items():
        asked = ("--config", config, "--client-name", user, "--validity-period", TEN_YEARS)
        text = run(kubeadm, "kubeconfig", "user", *asked)
        file = partial / f"{name}.conf"
        file.touch(mode=0o600)
        file.write_text(text)
    old = f"kubernetes-admin@{paths.name}"
    admin = partial / "kubeconfig"
    shutil.copy(partial / "admin.conf", admin)
    run(kubectl, "--kubeconfig", admin, "config", "rename-context", old, paths.name)
    admin.chmod(0o600)
    admin.replace(paths.kubeconfig)
    partial.replace(paths.state / "kubeconfigs")
