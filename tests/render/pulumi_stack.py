"""A stack that Pulumi's own programs deploy to a real API server, where no pod runs."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.deploy import adoption, pulumi
from infra.deploy.owner import Owner
from infra.deploy.ownership import Ownership
from infra.deploy.pulumi_engine import PROGRAMS, Engine
from infra.kubectl import Kubectl
from infra.settings import stack
from infra.settings.stack import merge
from tests.render.variants import EMBEDDED
from tests.waiting import wait_for

MISSING = [each for each in PROGRAMS if not shutil.which(each)]
_numbers = itertools.count(1)


class Stack:
    """A stack of its own, whose state can be lost and whose runs can be killed."""

    def __init__(self, kubectl: Kubectl, folder: Path, change: dict[str, Any]) -> None:
        self.kubectl, self.folder = kubectl, folder
        self.name = f"stack-{next(_numbers)}"
        spaces = {"tasks": f"{self.name}-tasks", "monitoring": f"{self.name}-watch"}
        own = {
            "platform": {"name": self.name},
            "cluster": {"context": kubectl.context, "kubeconfig": str(kubectl.kubeconfig)},
            "namespaces": {"airflow": self.name, **spaces},
            "chart": {"path": str(EMBEDDED)},
            # Stacks of one cluster can't have the same port.
            "airflow": {"ui": {"serviceType": "ClusterIP", "nodePort": None}},
        }
        self.config = stack.read("local", merge(own, change))
        self.said: list[str] = []

    @property
    def engine(self) -> Engine:
        """Pulumi's CLI, made ready."""
        engine = Engine(self.config, "local", self.folder, self.said.append)
        engine.prepare()
        return engine

    @property
    def engine_for_removal(self) -> Engine:
        """Pulumi's CLI, whatever the settings."""
        engine = Engine(self.config, "local", self.folder, self.said.append)
        engine.prepare_removal()
        return engine

    @property
    def ownership(self) -> Ownership:
        """The rule, as a deploy has it."""
        return Ownership(self.kubectl, Owner.of(self.config), self.engine.state().entries)

    def up(self, *resources: str) -> None:
        """Bring up some of the program's resources alone, by their names."""
        self.engine.run("up", "--yes", "--skip-preview", "--suppress-outputs", *targets(resources))

    def killed(self, *resources: str, when: Callable[[], object]) -> None:
        """Kill an up of some resources once the cluster has what it says."""
        engine = self.engine
        command = engine._command("up", "--yes", "--skip-preview", *targets(resources))
        with subprocess.Popen(
            command,
            env=engine._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                wait_for(when, timeout=90, what="the run to be in its midst")
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def resume(self) -> None:
        """Do what a deploy does before it brings up all."""
        engine = self.engine
        adoption.resume(engine, engine.state(), self.ownership)

    def lose(self) -> None:
        """Lose the state."""
        shutil.rmtree(self.folder)

    def replaced(self) -> set[str]:
        """Return the names of what an up would delete and make anew."""
        steps = json.loads(self.engine.run("preview", "--json"))["steps"]
        assert steps
        return {one["urn"].rpartition("::")[2] for one in steps if one["op"] == "replace"}

    def destroy(self) -> None:
        """Destroy as make down does."""
        pulumi.destroy(self.config, "local", self.folder, self.said.append, kubectl=self.kubectl)

    def there(self, kind: str) -> set[str]:
        """Return the names of a kind's objects."""
        found = self.kubectl.items(kind, "-n", self.name)
        return {one["metadata"]["name"] for one in found} - {"kube-root-ca.crt"}

    def secret(self, name: str, key: str) -> str:
        """Return a key of a Secret."""
        data = self.kubectl.json("get", "secret", name, "-n", self.name)["data"]
        return base64.b64decode(data[key]).decode()


def targets(resources: tuple[str, ...]) -> list[str]:
    return [word for name in ("cluster", *resources) for word in ("--target", f"**::{name}")]
