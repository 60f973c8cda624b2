"""What the cluster holds before any application: rights of the node's programs, DNS, storage."""

from __future__ import annotations

from typing import Any

from infra.local.network import DNS_ADDRESS
from infra.values.names import DOMAIN

Manifest = dict[str, Any]

STORAGE_CLASS = "updraft-local"
RBAC = "rbac.authorization.k8s.io"
LABELS = {"k8s-app": "kube-dns"}
DNS_SELECTOR = "k8s-app=kube-dns"
DNS_PORTS = [
    {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
    {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
    {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153},
]

# A Service is found at once, though somebody asked for it before it was made: no denial is kept.
COREFILE = f""".:53 {{
    errors
    health
    ready
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }}
    prometheus :9153
    cache 30 {{
        disable denial
    }}
    loop
    reload
    loadbalance
}}
"""


def _binding(name: str, role: str, subject: Manifest) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def _role(name: str, rules: list[tuple[str, str, str]]) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
            for group, resources, verbs in rules
        ],
    }


def administrators() -> list[Manifest]:
    """Rights that kubeadm gives in a phase of its own: applied by the super-administrator."""
    group = {"apiGroup": RBAC, "kind": "Group", "name": "kubeadm:cluster-admins"}
    client = {"apiGroup": RBAC, "kind": "User", "name": "kube-apiserver-kubelet-client"}
    return [
        _binding("kubeadm:cluster-admins", "cluster-admin", group),
        _binding("updraft:kubelet-api", "system:kubelet-api-admin", client),
    ]


def storage() -> list[Manifest]:
    """The default StorageClass, and the provisioner's rights."""
    user = {"apiGroup": RBAC, "kind": "User", "name": "updraft:provisioner"}
    rules = [
        ("", "persistentvolumes", "get list watch create update patch delete"),
        ("", "persistentvolumeclaims", "get list watch update"),
        ("", "nodes", "get list watch"),
        ("", "events", "get list watch create update patch"),
        ("storage.k8s.io", "storageclasses", "get list watch"),
    ]
    return [
        _role("updraft:provisioner", rules),
        _binding("updraft:provisioner", "updraft:provisioner", user),
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "updraft.dev/local",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
    ]


def _dns_rights() -> list[Manifest]:
    account = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    rules = [
        ("", "endpoints services pods namespaces", "list watch"),
        ("discovery.k8s.io", "endpointslices", "list watch"),
    ]
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
        },
        _role("system:coredns", rules),
        _binding("system:coredns", "system:coredns", account),
    ]


def _dns_container(image: str) -> Manifest:
    return {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "env": [{"name": "GOMEMLIMIT", "value": "120MiB"}],
        "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 9153, "protocol": "TCP"},
        ],
        "resources": {
            "requests": {"cpu": "50m", "memory": "50Mi"},
            "limits": {"memory": "170Mi"},
        },
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": 8181},
            "periodSeconds": 2,
        },
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": 8080},
            "initialDelaySeconds": 30,
            "timeoutSeconds": 5,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }


def dns(image: str) -> list[Manifest]:
    """CoreDNS for the cluster's own names; the node has no way out to resolve others by."""
    metadata = {"name": "coredns", "namespace": "kube-system", "labels": LABELS}
    pod = {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_dns_container(image)],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    return [
        *_dns_rights(),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"Corefile": COREFILE},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "name": "kube-dns"},
            "spec": {"clusterIP": DNS_ADDRESS, "selector": LABELS, "ports": DNS_PORTS},
        },
    ]
