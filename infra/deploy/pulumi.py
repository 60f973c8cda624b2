"""The engine `pulumi`: the CLI on a project of its own in the state folder, with a file backend."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.deploy import helm_release
from infra.deploy.pulumi_errors import explain
from infra.deploy.pulumi_progress import Progress
from infra.errors import UpdraftError
from infra.kubectl import Kubectl
from infra.output import Print
from infra.render.charts import complete
from infra.root import ROOT
from infra.settings import PROJECT, load
from infra.settings.stack import merge

PROGRAMS = (
    "pulumi",
    "pulumi-language-python",
    "pulumi-resource-kubernetes",
    "pulumi-resource-random",
)
# The stack's file as Pulumi keeps it beside our settings: lost, it could not read its own state.
_PULUMI_OWN = ("encryptionsalt", "secretsprovider", "encryptedkey")


def deploy(
    config: Mapping[str, object],
    stack: str,
    state_dir: Path,
    output: Print,
    *,
    kubectl: Kubectl | None = None,
) -> dict[str, Any]:
    """Bring the cluster to what the settings say, by `pulumi up`.

    Can be killed at any point and run again.

    Args:
        config: The settings, an object for each area.
        stack: The stack's name.
        state_dir: Where state, passphrase and the merged settings lie (mode 0700 and 0600).
        output: Told what happens, a line at a time.
        kubectl: The cluster, to mend a release that a killed run has left behind.

    Returns:
        The stack's outputs.

    Raises:
        UpdraftError: The settings, a program that is missing, or what Pulumi says.
    """
    engine = Engine(config, stack, state_dir, output)
    engine.prepare()
    state = engine.mended()
    if kubectl:
        namespace = load(config).namespaces.airflow
        helm_release.mend(state, kubectl=kubectl, namespace=namespace, output=output)
    engine.stream("up", "--yes", "--skip-preview", "--suppress-outputs")
    return engine.outputs()


def preview(
    config: Mapping[str, object], stack: str, state_dir: Path, output: Print
) -> dict[str, int]:
    """Return how many resources `pulumi up` would change, by operation; {} for none."""
    engine = Engine(config, stack, state_dir, output)
    engine.prepare()
    summary = json.loads(engine.run("preview", "--json"))["changeSummary"]
    return {operation: count for operation, count in summary.items() if operation != "same"}


def destroy(config: Mapping[str, object], stack: str, state_dir: Path, output: Print) -> None:
    """Delete everything that the stack has made, except what the settings say to keep."""
    engine = Engine(config, stack, state_dir, output)
    engine.prepare()
    engine.stream("destroy", "--yes", "--skip-preview")


class Engine:
    """Pulumi's CLI for one stack; nothing of the user's own login or backend is touched."""

    def __init__(
        self, config: Mapping[str, object], stack: str, state_dir: Path, output: Print
    ) -> None:
        self.config = config
        self.stack = stack
        self.output = output
        self.folder = state_dir / "pulumi"
        self.project = self.folder / "project"

    def prepare(self) -> None:
        """Write project, settings and passphrase, and create the stack where there is none.

        Raises:
            UpdraftError: A setting is wrong or a program is missing.
        """
        _refuse_encrypted(self.config)
        load(self.config)
        missing = [program for program in PROGRAMS if not shutil.which(program)]
        if missing:
            raise UpdraftError(
                f"not on PATH: {', '.join(missing)}",
                fix="install Pulumi and its Kubernetes provider, or use ENGINE=embedded",
            )
        for folder in (self.folder, self.project, self.folder / "state"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        passphrase = self.folder / "passphrase"
        if not passphrase.exists():
            _write(passphrase, secrets.token_urlsafe(32) + "\n")
        _write(self.project / "Pulumi.yaml", _project())
        self._write_stack()
        self.run("stack", "select", "--create")
        self._unlock()

    def _unlock(self) -> None:
        """Remove the lock that a killed run on this machine has left."""
        locks = self.folder / "state" / ".pulumi" / "locks" / "organization" / PROJECT / self.stack
        if any(_is_stale(lock) for lock in locks.glob("*.json")):
            self.output("A run that was killed has left its lock; removing it.")
            self.run("cancel", "--yes")

    def _write_stack(self) -> None:
        path = self.project / f"Pulumi.{self.stack}.yaml"
        before = yaml.safe_load(path.read_text()) if path.exists() else None
        kept = {key: value for key, value in (before or {}).items() if key in _PULUMI_OWN}
        config = {f"{PROJECT}:{area}": value for area, value in self._whole().items()}
        _write(path, yaml.safe_dump({**kept, "config": config}, sort_keys=False))

    def _whole(self) -> dict[str, object]:
        """Return the settings with a chart that Helm takes: a checkout's lacks a dependency."""
        path = load(self.config).chart.path
        if not path:
            return dict(self.config)
        chart = (ROOT / Path(path).expanduser()).resolve()
        shutil.rmtree(self.folder / "chart", ignore_errors=True)
        whole = complete(chart, {"postgresql": {"enabled": False}}, self.folder / "chart")
        return merge(self.config, {"chart": {"path": str(whole)}})

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # What is on PATH is used as it is: nothing is downloaded.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def _command(self, *args: str) -> list[str]:
        # `stack` has --stack above its subcommands; every other command takes it too.
        options = ["--cwd", str(self.project), "--non-interactive", "--color", "never"]
        return ["pulumi", *args, "--stack", self.stack, *options]

    def run(self, *args: str, given: str = "") -> str:
        """Run a command, with text on its stdin, and return what it printed.

        Raises:
            UpdraftError: It failed.
        """
        done = subprocess.run(
            self._command(*args),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            input=given,
        )
        if done.returncode != 0:
            raise explain(args[0], (done.stderr or done.stdout).splitlines())
        return done.stdout

    def stream(self, *args: str) -> None:
        """Run a command and pass on its lines.

        Raises:
            UpdraftError: It failed.
        """
        lines, code = self._stream(*args)
        if code != 0:
            raise explain(args[0], lines)

    def _stream(self, *args: str) -> tuple[list[str], int]:
        lines: list[str] = []
        progress = Progress(self.output)
        with subprocess.Popen(
            self._command(*args),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                progress.line(lines[-1])
        return lines, process.returncode

    def mended(self) -> dict[str, Any]:
        """Return the stack's state without operations that a killed run has left open.

        Pulumi would warn of them for ever. To forget them is safe here: what exists already is
        taken over (`upsertExistingObjects`), and a Helm release is mended.
        """
        state: dict[str, Any] = json.loads(self.run("stack", "export"))
        deployment = state.get("deployment") or {}
        if deployment.pop("pending_operations", None):
            self.output("A run that was killed has left open operations; taking them up again.")
            self.run("stack", "import", given=json.dumps(state))
        return state

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secret ones masked."""
        outputs: dict[str, Any] = json.loads(self.run("stack", "output", "--json"))
        return outputs


def _project() -> str:
    document = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    document["main"] = str(ROOT / document["main"])
    document["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    return yaml.safe_dump(document, sort_keys=False)


def _write(path: Path, text: str) -> None:
    # Settings may hold passwords, so the file is never readable to others, not even for a moment.
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _refuse_encrypted(config: Mapping[str, object], path: str = "") -> None:
    for key, value in config.items():
        if not isinstance(value, Mapping):
            continue
        where = f"{path}.{key}" if path else f"{PROJECT}:{key}"
        if set(value) == {"secure"}:
            raise UpdraftError(
                "this value is encrypted for another backend",
                where=where,
                fix="deploy this stack by `pulumi up` in the checkout, which can read it",
            )
        _refuse_encrypted(value, where)


def _is_stale(lock: Path) -> bool:
    try:
        holder = json.loads(lock.read_text())
    except (OSError, ValueError):
        # Gone meanwhile, or written half.
        return lock.exists()
    return not Path(f"/proc/{holder.get('pid')}").exists()
