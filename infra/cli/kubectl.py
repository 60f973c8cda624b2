"""`make kubectl` and `make env`: kubectl on the platform's cluster, and on no other.

Beside it go the programs of the runbooks that ask what watches.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NoReturn

import yaml

from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.errors import UpdraftError
from infra.local import tools

# What the runbooks ask Prometheus and Alertmanager by, where `make test-fast` has built it.
ASKING = ("promtool", "amtool")
EXAMPLE = 'make kubectl ARGS="get pods -A"'


def kubectl(options: Options, args: str) -> NoReturn:
    """Become kubectl with these arguments, so that its exit code is the command's.

    Raises:
        UpdraftError: There are none, or a quote in them is left open.
    """
    try:
        words = shlex.split(args)
    except ValueError as error:
        raise UpdraftError(f"ARGS can't be read: {error}", where=args, fix=EXAMPLE) from error
    if not words:
        raise UpdraftError("ARGS says nothing", fix=EXAMPLE)
    own = Platform.recorded(options).kubectl
    command = own.command(*words)
    os.execve(command[0], command, own.environment)  # noqa: S606 -- there is no shell to start


def env(options: Options) -> None:
    """Print what has a shell's kubectl meet this cluster, and puts promtool and amtool on PATH."""
    platform = Platform.recorded(options)
    folder = _folder_of_programs(platform)
    searched = os.environ.get("PATH", "").split(os.pathsep)
    print(f"export KUBECONFIG={shlex.quote(_kubeconfig(platform))}")
    if str(folder) not in searched:
        print(f'export PATH={shlex.quote(str(folder))}:"$PATH"')


def _folder_of_programs(platform: Platform) -> Path:
    """A folder with the pinned kubectl and what asks, no more: beside them lie the node's."""
    folder = platform.paths.state / "bin"
    folder.mkdir(exist_ok=True)
    cache = tools.ToolCache(platform.paths.cache)
    programs = {name: cache.path(name) for name in ASKING}
    for name, program in {"kubectl": platform.kubectl.binary, **programs}.items():
        if program.exists():
            draft = folder / f"{name}.tmp"
            draft.unlink(missing_ok=True)
            draft.symlink_to(program)
            draft.replace(folder / name)
        else:  # a link that an earlier version left would lead nowhere, or to that version
            (folder / name).unlink(missing_ok=True)
    return folder


def _kubeconfig(platform: Platform) -> str:
    """The embedded cluster's own; else the user's, behind a file that says which context."""
    kubectl = platform.kubectl
    if platform.chosen.embedded_cluster:
        return str(platform.paths.kubeconfig)
    chosen = platform.paths.state / "context"
    # Of several files, the first that says something counts; no credential is copied.
    text = {"apiVersion": "v1", "kind": "Config", "current-context": kubectl.context}
    chosen.write_text(yaml.safe_dump(text))
    users = str(
        kubectl.kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
    )
    files = [file for file in users.split(os.pathsep) if file and file != str(chosen)]
    return os.pathsep.join([str(chosen), *files])
