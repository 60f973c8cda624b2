"""Pulumi's CLI on a project of its own in the state folder, with a file backend."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.deploy.pulumi_errors import explain
from infra.deploy.pulumi_progress import Progress
from infra.deploy.pulumi_state import State
from infra.deploy.secret_areas import secret_areas
from infra.errors import UpdraftError
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
# It holds keys in clear.
_IMPORT = "import.json"


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

    @property
    def stack_name(self) -> str:
        """The stack's name without whose it is, such as prod of acme/prod."""
        return self.stack.rpartition("/")[2]

    def prepare(self) -> None:
        """Write project, settings and passphrase, and create the stack where there is none.

        Raises:
            UpdraftError: A setting is wrong or a program is missing.
        """
        _refuse_encrypted(self.config)
        hidden = secret_areas(load(self.config))
        self.prepare_removal()
        self._write_stack(self.whole(), hidden)

    def prepare_removal(self) -> None:
        """Prepare for what doesn't run the program, whatever its settings.

        Raises:
            UpdraftError: A program is missing.
        """
        refuse_missing_programs()
        for folder in (self.folder, self.project, self.folder / "state"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / _IMPORT).unlink(missing_ok=True)
        passphrase = self.folder / "passphrase"
        if not passphrase.exists():
            _write(passphrase, secrets.token_urlsafe(32) + "\n")
        _write(self.project / "Pulumi.yaml", _project())
        self._write_stack({}, set())
        self.run("stack", "select", "--create")
        self._unlock()

    def _unlock(self) -> None:
        """Remove the lock that a killed run on this machine has left."""
        locks = self.folder / "state" / ".pulumi" / "locks" / "organization" / PROJECT / self.stack
        if any(_is_stale(lock) for lock in locks.glob("*.json")):
            self.output("A run that was killed has left its lock; removing it.")
            self.run("cancel", "--yes")

    def _write_stack(self, settings: Mapping[str, object], hidden: Collection[str]) -> None:
        """Write the stack's settings, areas that hold a secret encrypted: Pulumi's history has all.

        It is given on stdin, since anybody may read a process's arguments.
        """
        path = self.project / f"Pulumi.{self.stack}.yaml"
        before = yaml.safe_load(path.read_text()) if path.exists() else None
        kept = {key: value for key, value in (before or {}).items() if key in _PULUMI_OWN}
        given = {f"{PROJECT}:{area}": value for area, value in settings.items()}
        secret = {f"{PROJECT}:{area}" for area in hidden}
        shown = {key: value for key, value in given.items() if key not in secret}
        _write(path, yaml.safe_dump({**kept, "config": shown}, sort_keys=False))
        for key in sorted(secret & given.keys()):
            self.run("config", "set", "--secret", key, given=json.dumps(given[key]))

    def whole(self) -> dict[str, object]:
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

    def state(self, *, secrets: bool = False) -> State:
        """Return the stack's state, with its secrets in clear where they are asked for."""
        shown = ["--show-secrets"] if secrets else []
        return State(json.loads(self.run("stack", "export", *shown)))

    def write(self, state: State, *, before: State) -> None:
        """Give the stack a state that was changed, unless nothing of it was."""
        if state != before:
            self.run("stack", "import", given=json.dumps(state.whole))

    def import_resources(self, file: Mapping[str, Any]) -> None:
        """Give the state what the cluster has: a file as `pulumi import --file` reads it.

        Protected, until the state has been mended: see State.declared.
        """
        path = self.folder / _IMPORT
        _write(path, json.dumps(file))
        options = (
            "--yes",
            "--skip-preview",
            "--protect=true",
            "--generate-code=false",
            "--suppress-outputs",
        )
        try:
            self.stream("import", "--file", str(path), *options)
        finally:
            path.unlink()

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secret ones masked."""
        outputs: dict[str, Any] = json.loads(self.run("stack", "output", "--json"))
        return outputs


def refuse_missing_programs() -> None:
    """Refuse to go on where one of Pulumi's programs isn't on PATH.

    Raises:
        UpdraftError: It isn't.
    """
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        raise UpdraftError(
            f"not on PATH: {', '.join(missing)}",
            fix="install Pulumi and its Kubernetes provider, or use ENGINE=embedded",
        )


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
