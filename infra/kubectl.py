"""The one way in which Updraft's Python talks to a cluster: kubectl with its context named."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import UpdraftError

FIELD_MANAGER = "updraft"
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


class KubectlError(UpdraftError):
    """A kubectl command that failed.

    Args:
        what: The mistake in one sentence.
        code: kubectl's exit code; -1 when it was stopped for taking too long.
        stderr: What kubectl said.
        where: The command, without its input.
    """

    def __init__(self, what: str, *, code: int, stderr: str, where: str) -> None:
        super().__init__(what, where=where)
        self.code = code
        self.stderr = stderr


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one context of one kubeconfig, never on whatever happens to be current.

    Args:
        binary: The program.
        kubeconfig: Its file; None for kubectl's own default search.
        context: The context's name.
        here: Whether the cluster is on this machine, and so behind no proxy.
    """

    binary: Path
    kubeconfig: Path | None
    context: str
    here: bool = False

    def __post_init__(self) -> None:
        if not self.context:
            raise UpdraftError(
                "no Kubernetes context is named",
                fix="name it: nothing is deployed to whatever context happens to be current",
            )

    def command(self, *args: str) -> list[str]:
        """Return the full argument list, for programs that stay up such as port-forward."""
        kubeconfig = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return [str(self.binary), *kubeconfig, "--context", self.context, *args]

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment, without what would have kubectl do something else."""
        # Defaults of a kuberc change what is printed, and ask before something is deleted.
        own = {**os.environ, "KUBERC": "off"}
        return {k: v for k, v in own.items() if not (self.here and k.lower() in PROXIES)}

    def run(self, *args: str, input: str | None = None, timeout: float = 120) -> str:  # noqa: A002
        """Run kubectl and return what it wrote on stdout.

        Args:
            args: kubectl's arguments, without context and kubeconfig.
            input: Text for stdin; secrets go this way, never as arguments.
            timeout: Seconds until it is stopped.

        Raises:
            KubectlError: kubectl failed or took too long.
        """
        where = " ".join(["kubectl", "--context", self.context, *args])
        try:
            done = subprocess.run(
                self.command(*args),
                env=self.environment,
                input=input,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
                stdin=subprocess.DEVNULL if input is None else None,
            )
        except subprocess.TimeoutExpired:
            raise KubectlError(
                f"kubectl gave no answer in {timeout:.0f} s", code=-1, stderr="", where=where
            ) from None
        except OSError as error:
            raise UpdraftError(
                f"kubectl can't be started: {error.strerror}", where=str(self.binary)
            ) from error
        if done.returncode != 0:
            said = done.stderr.strip()
            raise KubectlError(
                said or f"kubectl ended with code {done.returncode}",
                code=done.returncode,
                stderr=said,
                where=where,
            )
        return done.stdout

    def json(self, *args: str, timeout: float = 120) -> Any:
        """Run kubectl with `-o json` and return the parsed answer."""
        return json.loads(self.run(*args, "-o", "json", timeout=timeout))

    def items(self, *args: str) -> list[dict[str, Any]]:
        """Return the items of a `get` of a list of objects."""
        found: list[dict[str, Any]] = self.json("get", *args)["items"]
        return found

    def apply(
        self, objects: Iterable[Mapping[str, Any]], timeout: float = 180, *, dry_run: bool = False
    ) -> list[str]:
        """Apply objects server-side as field manager `updraft`, in the given order.

        Conflicts are forced: what Updraft states, Updraft owns; the rest of an object stays.

        Args:
            objects: Manifests.
            timeout: Seconds until kubectl is stopped.
            dry_run: Whether the API server only says whether it would take them.

        Returns:
            One line for each object.
        """
        whole = {"apiVersion": "v1", "kind": "List", "items": [dict(item) for item in objects]}
        if not whole["items"]:
            return []
        return self.run(
            "apply",
            "--server-side",
            f"--field-manager={FIELD_MANAGER}",
            "--force-conflicts",
            *(["--dry-run=server"] if dry_run else []),
            "-f",
            "-",
            input=json.dumps(whole),
            timeout=timeout,
        ).splitlines()

    def reachable(self) -> bool:
        """Return whether the API server of the context says that it is ready, in 10 s."""
        try:
            return self.run("get", "--raw", "/readyz", timeout=10).strip() == "ok"
        except UpdraftError:
            return False
