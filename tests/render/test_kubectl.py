"""`make kubectl` and `make env` meet the platform's cluster, whatever context is current."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from infra.cli import choices
from infra.cli.choices import Choices
from infra.cli.kubectl import ASKING
from infra.kubectl import Kubectl
from infra.local.paths import Paths
from infra.root import ROOT

ELSEWHERE = "apiVersion: v1\nkind: Config\ncurrent-context: elsewhere\n"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["embedded", "context"])
def command(
    request: pytest.FixtureRequest,
    nodeless: Kubectl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """Runs a shell's command beside a platform on the cluster; another context is current."""
    assert nodeless.kubeconfig
    monkeypatch.setenv("UPDRAFT_STATE", str(tmp_path / "state of it"))
    paths = Paths.for_instance("reached")
    own = request.param == "embedded"
    named = "" if own else nodeless.context
    choices.write(paths.state, Choices(named, "embedded", "embedded", "", "local", "", 8080))
    other = tmp_path / "other"
    other.write_text(ELSEWHERE)
    users = [str(other)]
    if own:
        paths.kubeconfig.write_text(nodeless.kubeconfig.read_text())
        renamed = ("rename-context", nodeless.context, paths.name)
        at = ("--kubeconfig", str(paths.kubeconfig))
        subprocess.run([nodeless.binary, *at, "config", *renamed], check=True, capture_output=True)
    else:
        users.append(str(nodeless.kubeconfig))
    environment = {
        **os.environ,
        "INSTANCE": "reached",
        "KUBECONFIG": os.pathsep.join(users),
        "updraft": shlex.join([sys.executable, "-m", "infra.cli"]),
    }

    def run(text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["sh", "-c", text], cwd=ROOT, env={**environment, **variables}, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        print(f"$ {text}\n{done.stdout}{done.stderr}ended with {done.returncode}")
        return done

    return run


def test_kubectl_asks_this_cluster_and_its_exit_code_is_the_commands(command: Command) -> None:
    # A name of its own: the one of the run before may still be on its way out.
    name = f"of-this-test-{uuid4().hex[:8]}"
    made = command("$updraft kubectl", ARGS=f"create namespace '{name}'")
    assert (made.returncode, made.stdout) == (0, f"namespace/{name} created\n")
    assert command("$updraft kubectl", ARGS="delete ns -l 'kubernetes.io/metadata.name "
                   f"in ({name})' --wait=false").returncode == 0  # fmt: skip
    # Two is what diff ends with where it could not look.
    failed = command("$updraft kubectl", ARGS="diff -f /nowhere")
    assert failed.returncode == 2
    assert "/nowhere" in failed.stderr


def test_a_shell_that_evaluated_env_has_kubectl_on_this_cluster(command: Command) -> None:
    told = command('eval "$($updraft env)" && command -v kubectl && kubectl get namespace default')
    assert told.returncode == 0
    found, *lines = told.stdout.splitlines()
    assert Path(found).parts[-3:] == ("reached", "bin", "kubectl")
    assert {each.name for each in Path(found).parent.iterdir()} <= {"kubectl", *ASKING}
    assert lines[-1].startswith("default ")
    twice = command('eval "$($updraft env)"; echo "$KUBECONFIG"; eval "$($updraft env)"; '
                    'echo "$KUBECONFIG"; $updraft env')  # fmt: skip
    first, second, *last = twice.stdout.splitlines()
    assert first == second
    assert len(last) == 1, "the folder is on PATH already"


@pytest.mark.parametrize(("args", "told"), [("", "says nothing"), ("get '", "can't be read")])
def test_arguments_that_are_none_are_refused(command: Command, args: str, told: str) -> None:
    refused = command("$updraft kubectl", ARGS=args)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert "get pods -A" in refused.stderr
