"""The node's programs: what each is started with, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.local import configs
from infra.local.network import SERVICE_RANGE
from infra.local.paths import Paths
from infra.local.processes import Process
from infra.values.names import DOMAIN

Tools = Mapping[str, Path]

API_PORT = 6443
UI_NODE_PORT = 30080
LOG_LIMIT = 16 * 1024**2
NODE_PROGRAMS = (
    *("etcd", "kube-apiserver", "containerd", "kubelet", "kube-controller-manager"),
    *("kube-scheduler", "kube-proxy", "provisioner", "ui-forwarder", "log-keeper"),
)


def write_configs(paths: Paths, *, address: str, pause: str, snapshotter: str) -> None:
    """Write each configuration file; unchanged text leaves the file's content as it was."""
    texts = {
        "containerd.toml": configs.containerd(paths, pause=pause, snapshotter=snapshotter),
        "cni/10-updraft.conflist": configs.cni(paths),
        "kubelet.json": configs.kubelet(paths),
        "kube-proxy.json": configs.kube_proxy(paths, address),
        "resolv.conf": "",
    }
    for name, text in texts.items():
        file = paths.config / name
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(text)
        partial.replace(file)


def etcd(paths: Paths, tools: Tools) -> Process:
    """The database; it syncs each write to disk."""
    pki = paths.pki / "etcd"
    client, peer = "https://127.0.0.1:2379", "https://127.0.0.1:2380"
    return Process(
        "etcd",
        [
            str(tools["etcd"]),
            f"--name={paths.name}",
            f"--data-dir={paths.state}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={paths.name}={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={pki}/ca.crt",
            f"--cert-file={pki}/server.crt",
            f"--key-file={pki}/server.key",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={pki}/ca.crt",
            f"--peer-cert-file={pki}/peer.crt",
            f"--peer-key-file={pki}/peer.key",
            "--log-level=warn",
        ],
        grace=10.0,
    )


def api_server(paths: Paths, tools: Tools, address: str) -> Process:
    """The API server, with the flags that kubeadm gives it."""
    pki = paths.pki
    return Process(
        "kube-apiserver",
        [
            str(tools["kube-apiserver"]),
            f"--advertise-address={address}",
            f"--secure-port={API_PORT}",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            "--etcd-servers=https://127.0.0.1:2379",
            f"--etcd-cafile={pki}/etcd/ca.crt",
            f"--etcd-certfile={pki}/apiserver-etcd-client.crt",
            f"--etcd-keyfile={pki}/apiserver-etcd-client.key",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
            # The host's resolver knows no node's name, and a node has its address.
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
            f"--proxy-client-key-file={pki}/front-proxy-client.key",
            f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--profiling=false",
        ],
        grace=10.0,
    )


def _own_kubeconfig(paths: Paths, name: str) -> list[str]:
    file = paths.state / "kubeconfigs" / f"{name}.conf"
    return [
        f"--kubeconfig={file}",
        f"--authentication-kubeconfig={file}",
        f"--authorization-kubeconfig={file}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--profiling=false",
    ]


def controllers(paths: Paths, tools: Tools) -> list[Process]:
    """The controller manager and the scheduler."""
    pki = paths.pki
    manager = [
        str(tools["kube-controller-manager"]),
        *_own_kubeconfig(paths, "controller-manager"),
        f"--cluster-name={paths.name}",
        f"--client-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        f"--service-account-private-key-file={pki}/sa.key",
        "--use-service-account-credentials=true",
        "--allocate-node-cidrs=false",
        f"--flex-volume-plugin-dir={paths.state}/kubelet/volume-plugins",
    ]
    scheduler = [str(tools["kube-scheduler"]), *_own_kubeconfig(paths, "scheduler")]
    return [Process("kube-controller-manager", manager), Process("kube-scheduler", scheduler)]


def containerd(paths: Paths, tools: Tools) -> Process:
    """The container runtime; its shim is found beside it."""
    config = paths.config / "containerd.toml"
    return Process(
        "containerd",
        [str(tools["containerd"]), f"--config={config}", "--log-level=warn"],
        configs=[config],
        env={"PATH": f"{tools['containerd'].parent}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"},
    )


def kubelet(paths: Paths, tools: Tools, address: str) -> Process:
    """The kubelet."""
    config = paths.config / "kubelet.json"
    return Process(
        "kubelet",
        [
            str(tools["kubelet"]),
            f"--config={config}",
            f"--kubeconfig={paths.state}/kubeconfigs/kubelet.conf",
            f"--cert-dir={paths.state}/kubelet/pki",
            f"--hostname-override={paths.name}",
            f"--node-ip={address}",
        ],
        configs=[config],
    )


def network_and_storage(paths: Paths, tools: Tools) -> list[Process]:
    """kube-proxy and the provisioner of volumes."""
    config = paths.config / "kube-proxy.json"
    proxy = [str(tools["kube-proxy"]), f"--config={config}"]
    provisioner = [
        str(tools["provisioner"]),
        f"-kubeconfig={paths.state}/kubeconfigs/provisioner.conf",
        f"-root={paths.volumes}",
        f"-node={paths.name}",
    ]
    return [
        Process("kube-proxy", proxy, configs=[config]),
        Process("provisioner", provisioner),
    ]


def forwarder(address: str, port: int) -> Process:
    """From a port of the host's loopback to the UI's node port."""
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"
    argv = ["socat", listen, f"TCP:{address}:{UI_NODE_PORT}"]
    return Process("ui-forwarder", argv, inside=False, grace=0.0)


def log_keeper(paths: Paths) -> Process:
    """What keeps the programs' logs from filling the disk: a full one is copied, then emptied."""
    script = (
        'while sleep 60; do for f in "$1"/*.log; do'
        ' if [ "$(stat -c %s "$f")" -gt "$2" ]; then cp "$f" "$f.1"; : > "$f"; fi; done; done'
    )
    argv = ["sh", "-c", script, "log-keeper", str(paths.logs), str(LOG_LIMIT)]
    return Process("log-keeper", argv, inside=False, grace=0.0)
