"""A volume of a few MiB: those of the embedded cluster are folders, which have no size."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from infra.cli.platform import Platform
from tests.cluster import objects
from tests.waiting import wait_for

NAME = "tests-small"
MIB = 1 << 20
SIZE, FILL = 16, 15
FILLS = f"""
import time
open("/small/file", "wb").write(bytes({FILL * MIB}))
time.sleep(3600)
"""


@contextmanager
def filled(platform: Platform, namespace: str) -> Iterator[None]:
    """Have a volume that is almost full while the block runs."""
    paths = platform.paths
    folder = paths.state / NAME
    folder.mkdir(exist_ok=True)
    inside = ["nsenter", f"--mount={paths.mountns}"]
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0777", NAME, str(folder)]
    subprocess.run([*inside, *mount], check=True)
    size = {"storage": f"{SIZE}Mi"}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    node = {"key": "kubernetes.io/hostname", "operator": "Exists"}
    offered = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            **common,
            "capacity": size,
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
        },
    }
    wanted = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {**common, "resources": {"requests": size}, "volumeName": NAME},
    }
    claimed = {"/small": {"persistentVolumeClaim": {"claimName": NAME}}}
    pod = objects.pod(platform, NAME, namespace, program=FILLS, volumes=claimed)
    try:
        with objects.applied(platform, offered, wanted, pod):
            yield
        wait_for(lambda: _unmounted(inside, str(folder)), 60, "the volume to be free")
    finally:
        subprocess.run([*inside, "umount", "-l", str(folder)], check=False, capture_output=True)
        folder.rmdir()


def _unmounted(inside: list[str], folder: str) -> bool:
    return subprocess.run([*inside, "umount", folder], check=False).returncode == 0
