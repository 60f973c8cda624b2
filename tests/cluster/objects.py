"""Pods of the tests' own on the real cluster, there for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from infra.cli.platform import Platform
from infra.values import security

Manifest = dict[str, Any]
AMOUNTS = {"cpu": "100m", "memory": "64Mi"}


def pod(  # noqa: PLR0913 -- what a pod is
    platform: Platform,
    name: str,
    namespace: str,
    *,
    program: str = "",
    annotations: Mapping[str, str] | None = None,
    volumes: Mapping[str, Manifest] | None = None,
    **container: Any,
) -> Manifest:
    """A pod that runs a program of Python's in Airflow's image, once.

    Args:
        platform: Whose image.
        name: Its name, and its label app.
        namespace: Where.
        program: The program's text.
        annotations: Its annotations.
        volumes: Its volumes, by the folder to mount each at.
        container: More of its container.
    """
    image = platform.settings.image
    mounted = {f"volume-{number}": each for number, each in enumerate((volumes or {}).items())}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": name},
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "restartPolicy": "Never",
            "securityContext": security.pod(),
            "containers": [
                {
                    "name": "base",
                    "image": f"{image.repository}:{image.tag}",
                    "imagePullPolicy": image.pull_policy,
                    "command": ["python", "-c", program],
                    "securityContext": security.container(),
                    "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
                    "volumeMounts": [
                        {"name": volume, "mountPath": folder}
                        for volume, (folder, _) in mounted.items()
                    ],
                    **container,
                }
            ],
            "volumes": [{"name": volume, **source} for volume, (_, source) in mounted.items()],
        },
    }


@contextmanager
def applied(platform: Platform, *objects: Manifest) -> Iterator[None]:
    """Have objects in the cluster while the block runs."""
    platform.kubectl.apply(objects)
    try:
        yield
    finally:
        for each in reversed(objects):
            metadata = each["metadata"]
            delete(platform, each["kind"], metadata["name"], metadata.get("namespace", ""))


def delete(platform: Platform, kind: str, name: str, namespace: str = "") -> None:
    """Delete an object at once, if it is there; without a namespace one of the whole cluster."""
    where = ("-n", namespace) if namespace else ()
    platform.kubectl.run(
        "delete", kind, name, *where, "--ignore-not-found", "--force", "--grace-period=0"
    )
