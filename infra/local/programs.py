"""The programs that Updraft builds: what each is made of, and who needs which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_COMMON = "github.com/prometheus/common/version.Version"
# Of Prometheus' forty ways to find what to scrape Kubernetes' alone, which leaves out the
# software kits of every cloud.
_DISCOVERY = ("remove_all_sd", "enable_kubernetes_sd")
# The embedded cluster's Loki stores on a filesystem: it needs no cloud's software kit.
_STORES = (
    "github.com/grafana/loki/v3",
    "github.com/prometheus/common/sigv4",
    "github.com/prometheus/prometheus",
    "github.com/prometheus/sigv4",
    "github.com/thanos-io/objstore",
    "zombiezen.com/go/sqlite",
)


def plain(version: str) -> str:
    """A module's version as most programs say theirs: without the v."""
    return version.removeprefix("v")


def prometheus(version: str) -> str:
    """The release of Prometheus that a version of its Go module is: v0.315.1 is 3.15.1.

    https://github.com/prometheus/prometheus/blob/v3.15.1/README.md
    """
    _, release, patch = version.split(".")
    return f"{int(release) // 100}.{int(release) % 100}.{patch}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and what it is built from.

    Args:
        name: The program's name.
        folder: Its folder in tools/, a Go module of its own.
        package: The Go package; tools that share one are one program under several names.
        stamps: Variables that the linker sets to the module's version.
        module: The module whose version that is.
        tags: Go's build tags.
        release: How the program writes that version.
        without: Modules of which it leaves packages out: tools/<folder>/without/ has stand-ins.
        branch: Of a program that is not as upstream's, the variable that it tells its branch by.
    """

    name: str
    folder: str
    package: str
    stamps: tuple[str, ...] = ()
    module: str = ""
    tags: tuple[str, ...] = ()
    release: Callable[[str], str] = str
    without: tuple[str, ...] = ()
    branch: str = ""


def _kubernetes(name: str, package: str = "./hyperkube") -> Tool:
    stamps = (
        "k8s.io/component-base/version.gitVersion",
        "k8s.io/client-go/pkg/version.gitVersion",
    )
    return Tool(name, "kubernetes", package, stamps, "k8s.io/kubernetes")


def _containerd(name: str) -> Tool:
    return Tool(name, "containerd", f"github.com/containerd/containerd/v2/cmd/{name}")


def _prometheus(name: str) -> Tool:
    module = "github.com/prometheus/prometheus"
    package = f"{module}/cmd/{name}"
    return Tool(name, "prometheus", package, (_COMMON,), module, _DISCOVERY, prometheus)


# The longest build comes first: what the others share with it is then compiled.
TOOLS = {
    tool.name: tool
    for tool in (
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
        _kubernetes("kubelet"),
        _kubernetes("kube-proxy"),
        _kubernetes("kubeadm"),
        # Apart: it is started for each question, and so is to hold no more than it needs.
        _kubernetes("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        Tool("provisioner", "kubernetes", "./provisioner"),
        Tool("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
        _containerd("containerd"),
        _containerd("containerd-shim-runc-v2"),
        _containerd("ctr"),
        Tool("coredns", "coredns", "."),
        Tool("pause", "pause", "."),
        Tool(
            "helm",
            "helm",
            "helm.sh/helm/v3/cmd/helm",
            ("helm.sh/helm/v3/internal/version.version",),
            "helm.sh/helm/v3",
        ),
        Tool(
            "loki",
            "loki",
            "github.com/grafana/loki/v3/cmd/loki",
            ("github.com/grafana/loki/v3/pkg/util/build.Version",),
            "github.com/grafana/loki/v3",
            release=plain,
            without=_STORES,
            branch="github.com/grafana/loki/v3/pkg/util/build.Branch",
        ),
        _prometheus("prometheus"),
        _prometheus("promtool"),
        Tool(
            "otelcol",
            "collector",
            ".",
            ("main.version",),
            "go.opentelemetry.io/collector/otelcol",
            release=plain,
        ),
        Tool(
            "kube-state-metrics",
            "kube-state-metrics",
            "k8s.io/kube-state-metrics/v2",
            (_COMMON,),
            "k8s.io/kube-state-metrics/v2",
        ),
        Tool(
            "statsd_exporter",
            "statsd-exporter",
            "github.com/prometheus/statsd_exporter",
            (_COMMON,),
            "github.com/prometheus/statsd_exporter",
            release=plain,
        ),
        Tool(
            "amtool",
            "amtool",
            "github.com/prometheus/alertmanager/cmd/amtool",
            (_COMMON,),
            "github.com/prometheus/alertmanager",
            release=plain,
        ),
        Tool(
            "pint",
            "pint",
            "github.com/cloudflare/pint/cmd/pint",
            ("main.version",),
            "github.com/cloudflare/pint",
            release=plain,
        ),
    )
}

# What one node of the embedded cluster runs.
NODE_TOOLS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"),
    *("kube-proxy", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr"),
    *("coredns", "provisioner", "pause"),
)
# Those of them that are images of their own, by the same names.
NODE_IMAGES = ("pause", "coredns")
# What deploys to a cluster, whichever it is.
CLIENT_TOOLS = ("kubectl", "helm")
# What watches the platform in the embedded cluster, by image's name: an image each.
MONITORING_TOOLS = {
    "prometheus": "prometheus",
    "statsd-exporter": "statsd_exporter",
    "kube-state-metrics": "kube-state-metrics",
    "loki": "loki",
    "collector": "otelcol",
}
# What only this repository's tests run.
TEST_TOOLS = ("promtool", "amtool", "pint")
