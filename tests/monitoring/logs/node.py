"""A node's folder of pods' logs, written as containerd and the kubelet write it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NODE = "node-1"
# containerd cuts a line after so many bytes.
PART = 16 << 10


def stamp(nanoseconds: int) -> str:
    """A time as containerd writes it."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


@dataclass
class Pod:
    """A pod: what the API knows of it, and the files that its containers write."""

    folder: Path
    namespace: str
    name: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    last: int = 0

    def manifest(self) -> dict[str, Any]:
        """The object, bound to the node; its uid is the API server's to give."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "annotations": dict(self.annotations),
                "labels": dict(self.labels),
            },
            "spec": {"nodeName": NODE, "containers": [{"name": "base", "image": "none"}]},
        }

    def file(self, container: str = "base") -> Path:
        """A container's log file."""
        found = self.folder / f"{self.namespace}_{self.name}_{self.uid}" / container / "0.log"
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    def now(self) -> int:
        """A time later than the pod's last."""
        self.last = max(time.time_ns(), self.last + 1)
        return self.last

    def write(self, *lines: str, stream: str = "stdout", container: str = "base") -> None:
        """Have a container write lines."""
        parts = [(tag, part) for line in lines for tag, part in _parts(line)]
        text = "".join(f"{stamp(self.now())} {stream} {tag} {part}\n" for tag, part in parts)
        with self.file(container).open("a") as file:
            file.write(text)


def _parts(line: str) -> list[tuple[str, str]]:
    pieces = [line[at : at + PART] for at in range(0, len(line), PART)] or [""]
    return [*(("P", piece) for piece in pieces[:-1]), ("F", pieces[-1])]
