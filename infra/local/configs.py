"""The configuration files of the node's programs, as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from infra.local.network import DNS_ADDRESS, POD_RANGE
from infra.local.paths import Paths
from infra.values.names import DOMAIN

CNI_PLUGINS = Path("/usr/lib/cni")
CAP_SYS_RESOURCE = 24
# Absolute, as a tenth of a large disk that others share says nothing of need.
EVICTION = {
    "memory.available": "200Mi",
    "nodefs.available": "1Gi",
    "nodefs.inodesFree": "1%",
    "imagefs.available": "1Gi",
    "imagefs.inodesFree": "1%",
}


def may_raise_priority(status: str | None = None) -> bool:
    """Whether a process may lower its oom_score_adj, told from /proc/self/status."""
    text = status if status is not None else Path("/proc/self/status").read_text()
    effective = next(line for line in text.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> CAP_SYS_RESOURCE & 1)


# Of containerd's plugins what nobody here asks for.
_UNUSED = ("io.containerd.nri.v1.nri", "io.containerd.internal.v1.tracing")
_KUBERNETES = (
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
)


def _containerd(root: Path, state: Path, socket: Path, disabled: Sequence[str]) -> str:
    return f"""\
version = 4
root = '{root}'
state = '{state}'
disabled_plugins = {list(disabled)}

[plugins.'io.containerd.server.v1.grpc']
address = '{socket}'
[plugins.'io.containerd.server.v1.ttrpc']
address = '{socket}.ttrpc'
"""


def unpacker(root: Path, state: Path, socket: Path) -> str:
    """The TOML of a containerd that runs no container."""
    return _containerd(root, state, socket, (*_UNUSED, *_KUBERNETES))


def containerd(paths: Paths, *, pause: str, snapshotter: str) -> str:
    """Containerd's TOML."""
    restrict = "false" if may_raise_priority() else "true"
    state, socket = paths.run / "containerd", paths.containerd_socket
    return f"""\
{_containerd(paths.containerd_root, state, socket, _UNUSED)}
[plugins.'io.containerd.cri.v1.images']
snapshotter = '{snapshotter}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{pause}'

[plugins.'io.containerd.cri.v1.runtime']
# Without CAP_SYS_RESOURCE no container could be given a better score than containerd's own.
restrict_oom_score_adj = {restrict}
netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{CNI_PLUGINS}']
conf_dir = '{paths.config}/cni'
use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
snapshotter = '{snapshotter}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
# Shims outlive containerd, so that it can be restarted beneath running pods.
ShimCgroup = '/{paths.name}/shims'
"""


def cni(paths: Paths) -> str:
    """A veth pair and a route for each pod; no bridge, so the host's bridge filter is no matter."""
    return json.dumps(
        {
            "cniVersion": "1.0.0",
            "name": "updraft",
            "plugins": [
                {
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(paths.run / "addresses"),
                        "ranges": [[{"subnet": POD_RANGE}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        },
        indent=1,
    )


def kubelet(paths: Paths) -> str:
    """The kubelet's configuration."""
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(paths.pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{paths.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "protectKernelDefaults": True,
            "clusterDNS": [DNS_ADDRESS],
            "clusterDomain": DOMAIN,
            "resolvConf": str(paths.config / "resolv.conf"),
            "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
            "podLogsDir": str(paths.logs / "pods"),
            "volumePluginDir": str(paths.state / "kubelet" / "volume-plugins"),
            "readOnlyPort": 0,
            "maxPods": 250,
            "serializeImagePulls": False,
            "seccompDefault": True,
            "containerLogMaxSize": "10Mi",
            "containerLogMaxFiles": 3,
            # Images come by import and not from a registry: one collected would be one lost.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": EVICTION,
        },
        indent=1,
    )


def kube_proxy(paths: Paths, address: str) -> str:
    """kube-proxy's configuration: nftables, and none of the host's conntrack settings."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "bindAddress": address,
            "clusterCIDR": POD_RANGE,
            "hostnameOverride": paths.name,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "clientConnection": {"kubeconfig": str(paths.state / "kubeconfigs/kube-proxy.conf")},
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
        indent=1,
    )
