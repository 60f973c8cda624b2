"""Parse the command, run it, and turn a fault into a message and exit code 1."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from dataclasses import dataclass

from infra.cli.options import DEFAULT_DAG, DEFAULT_STACK, NOW, add_options
from infra.cli.termination import INTERRUPTED, interrupt_on_sigterm
from infra.errors import UpdraftError

GOES_ON = "the same command goes on from here"


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `function` of `module`, imported when it is called.

    doctor must answer where nothing is installed yet, so nothing is imported before.

    Args:
        extra: Its own arguments, besides the options.
        on_platform: Whether it takes the options that say which platform.
        interrupted: What becomes of its work when it is interrupted.
    """

    module: str
    function: str
    text: str
    extra: tuple[str, ...] = ()
    on_platform: bool = True
    interrupted: str = ""

    def run(self, arguments: argparse.Namespace) -> int:
        """Call it with the options, and with its own arguments by name."""
        function = getattr(importlib.import_module(self.module), self.function)
        own = {name: getattr(arguments, name) for name in self.extra}
        if not self.on_platform:
            return function(**own) or 0
        options = importlib.import_module("infra.cli.options").Options
        return function(options.of(arguments), **own) or 0


COMMANDS = {
    "doctor": Command(
        "infra.cli.doctor", "doctor", "show what this machine has and requires; touches nothing"
    ),
    "up": Command(
        "infra.cli.up", "up", "make the platform, or mend it, and run a DAG on it",
        interrupted=GOES_ON,
    ),
    "status": Command(
        "infra.cli.status", "status", "show cluster, pods, DAGs and the newest runs"
    ),
    "logs": Command(
        "infra.cli.logs", "logs", "print the logs of task pods, or of a component",
        extra=("component", "dag"),
    ),
    "ui": Command("infra.cli.operate", "ui", "say where the UI is and how to log in"),
    "kubectl": Command(
        "infra.cli.kubectl", "kubectl", "run kubectl on the platform's cluster", extra=("args",)
    ),
    "env": Command(
        "infra.cli.kubectl", "env", "print what has a shell's kubectl meet this cluster, for eval"
    ),
    "trigger": Command(
        "infra.cli.operate", "trigger", "run a DAG and watch its pods",
        extra=("dag", "conf", "logical_date"),
        interrupted="a run that has begun goes on without it: make status",
    ),
    "rightsize": Command(
        "infra.cli.rightsize", "rightsize", "say what tasks should ask for, by what they took",
        extra=("dag", "days", "format"),
    ),
    "push-dags": Command(
        "infra.cli.operate", "push_dags", "push a folder of DAGs to the git server",
        extra=("folder",), interrupted=GOES_ON,
    ),
    "examples": Command(
        "infra.cli.examples", "examples", "make the example DAGs' databases and connections",
        interrupted=GOES_ON,
    ),
    "adopt": Command(
        "infra.cli.adopt", "adopt", "list what is in the platform's way; take over what TAKE names",
        interrupted=GOES_ON,
    ),
    "render": Command(
        "infra.cli.build", "render", "write the platform as plain manifests", extra=("out",)
    ),
    "image": Command(
        "infra.cli.build", "image", "build the Airflow image; push it to a registry",
        interrupted=GOES_ON,
    ),
    "stop": Command(
        "infra.cli.remove", "stop", "stop the embedded cluster and keep its data",
        interrupted=GOES_ON,
    ),
    "down": Command(
        "infra.cli.remove", "down", "delete the platform and its data", interrupted=GOES_ON
    ),
    "dev": Command(
        "infra.cli.dev", "dev", "run Airflow here with the DAGs and no cluster", extra=("dags",)
    ),
    "licences": Command(
        "infra.cli.licences", "licences", "write the licence of each package of an image",
        on_platform=False,
    ),
    "lint-dags": Command(
        "infra.cli.lint", "lint_dags", "check the DAG files", extra=("stack", "paths"),
        on_platform=False,
    ),
    "test": Command(
        "infra.cli.checks", "test", "run the checks", extra=("fast", "pytest"),
        on_platform=False,
    ),
    "test-slow": Command(
        "infra.cli.checks", "test_slow", "run the slow tests, group by group", extra=("group",),
        on_platform=False,
    ),
    "lint": Command("infra.cli.lint", "lint", "check style and types", on_platform=False),
    "fmt": Command("infra.cli.lint", "fmt", "format the code", on_platform=False),
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="python -m infra.cli", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    made = {}
    for name, command in COMMANDS.items():
        made[name] = commands.add_parser(name, help=command.text, description=command.text)
        if command.on_platform:
            add_options(made[name])
    dag = os.environ.get("DAG") or DEFAULT_DAG
    for name in ("logs", "trigger"):
        made[name].add_argument("--dag", default=dag, metavar="DAG", help=f"its id ({DEFAULT_DAG})")
    log = os.environ.get("LOG") or None
    which = "such as scheduler, triggerer, loki"
    made["logs"].add_argument("component", nargs="?", default=log, help=which)
    args = os.environ.get("ARGS") or ""
    made["kubectl"].add_argument("--args", default=args, help="kubectl's, such as 'get pods -A'")
    sized = made["rightsize"]
    sized.add_argument("--dag", default=os.environ.get("DAG") or None, help="its id (all DAGs)")
    days = os.environ.get("DAYS") or "7"
    sized.add_argument("--days", default=days, help="how far to look back, at most 30 (7)")
    shape = os.environ.get("FORMAT") or "table"
    sized.add_argument("--format", default=shape, help="table or json (table)")
    conf = os.environ.get("CONF") or "{}"
    made["trigger"].add_argument("--conf", default=conf, help="the run's params, a JSON object")
    date = os.environ.get("LOGICAL_DATE") or NOW
    made["trigger"].add_argument("--logical-date", default=date, help="ISO, none, or now (now)")
    made["push-dags"].add_argument("folder", nargs="?", help="the folder (dags)")
    made["render"].add_argument("--out", help="the folder (rendered/<stack>)")
    made["dev"].add_argument("--dags", metavar="FOLDER", help="the folder with the DAGs (dags)")
    stack = os.environ.get("STACK") or DEFAULT_STACK
    made["lint-dags"].add_argument("--stack", default=stack, help=f"whose quota ({DEFAULT_STACK})")
    made["lint-dags"].add_argument("paths", nargs="*", default=["dags"], help="files and folders")
    made["test"].add_argument("--fast", action="store_true", help="leave the cluster tests out")
    made["test"].add_argument("pytest", nargs="*", help="arguments for pytest, behind --")
    group = os.environ.get("GROUP") or None
    made["test-slow"].add_argument("group", nargs="?", default=group, help="one of them (all)")
    return whole


def main() -> int:
    """Run the command of the command line and return its exit code."""
    arguments = parser().parse_args()
    interrupt_on_sigterm()
    command = COMMANDS[arguments.command]
    try:
        return command.run(arguments)
    except UpdraftError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        told = "; ".join(filter(None, ("interrupted", command.interrupted)))
        print(told, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
