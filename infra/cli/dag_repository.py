"""A small git repository of DAGs, and the remote that it is pushed to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.cli.dag_merge import Files, parse
from infra.errors import UpdraftError

# A user's own settings would decide what is pushed: files to ignore, ends of lines, hooks.
SETTINGS = (
    *("core.excludesFile=/dev/null", "core.attributesFile=/dev/null", "core.hooksPath=/dev/null"),
    *("core.autocrlf=false", "core.quotePath=false"),
)
REACH = "make status shows whether the git server runs; is the address reachable?"


@dataclass(frozen=True, slots=True)
class Remote:
    """A git repository over HTTP and who may write to it."""

    url: str
    branch: str
    username: str
    password: str
    sub_path: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """The files by which one state differs from another, as paths in the repository."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """Plain git on a repository of one's own, whatever settings the user has.

    Args:
        git_dir: Where it is kept; bare.
        remote: Where it pushes to.
    """

    git_dir: Path
    remote: Remote

    @classmethod
    def beside(cls, state: Path, remote: Remote) -> Repository:
        """The repository that is kept with a platform's state."""
        return cls(state / "dags.git", remote)

    def newest(self) -> str:
        """Return the remote branch's commit; empty while the remote has no such branch."""
        branch = f"refs/heads/{self.remote.branch}"
        return self.over_http("ls-remote", self.remote.url, branch).partition("\t")[0]

    def note(self, refs: Mapping[str, str]) -> None:
        """Set refs, all or none; empty ones go."""
        lines = [f"update {ref} {to}" if to else f"delete {ref}" for ref, to in refs.items()]
        self.run("update-ref", "--stdin", given="".join(f"{line}\n" for line in lines))

    def known(self, ref: str) -> str:
        """The commit of a ref; empty where there is none."""
        return self.run("rev-parse", "-q", "--verify", ref, check=False)

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether one commit is another one's ancestor, or that one itself."""
        return bool(commit) and self.run("merge-base", commit, of, check=False) == commit

    def files(self, commit: str) -> Files:
        """The files of a commit; none of no commit."""
        return parse(self.run("ls-tree", "-rz", commit)) if commit else {}

    def changes(self, before: str, after: str) -> Changes:
        """What a commit or tree holds otherwise than one before it, which may be none."""
        before = before or self.run("hash-object", "-t", "tree", os.devnull)
        told = self.run("diff-tree", "-r", "--no-renames", "--name-status", "-z", before, after)
        words = told.split("\0")
        pairs = list(zip(words[::2], words[1::2], strict=False))
        return Changes(
            added=tuple(path for kind, path in pairs if kind == "A"),
            changed=tuple(path for kind, path in pairs if kind not in {"A", "D"}),
            removed=tuple(path for kind, path in pairs if kind == "D"),
        )

    def over_http(self, *args: str) -> str:
        """Git with the remote's credentials: by its environment, never an argument or a file."""
        helper = '!f() { echo "username=$DAGS_USERNAME"; echo "password=$DAGS_PASSWORD"; }; f'
        credentials = {"DAGS_USERNAME": self.remote.username, "DAGS_PASSWORD": self.remote.password}
        options = [
            "-c",
            "credential.helper=",
            "-c",
            f"credential.helper={helper}",
            "-c",
            "http.proxy=",
        ]
        return self.run(*options, *args, extra=credentials, fix=REACH)

    def run(
        self,
        *args: str,
        extra: dict[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = True,
        given: str = "",
        fix: str = "mend what git names in the folder of DAGs, then run it again",
    ) -> str:
        """Run git and return what it printed, without blanks at its ends.

        Args:
            args: Its arguments.
            extra: Variables of its environment besides.
            cwd: Where it runs.
            check: Whether a failure is an error.
            given: Its standard input.
            fix: What an error tells to do.

        Raises:
            UpdraftError: It failed.
        """
        name = {"NAME": "Updraft", "EMAIL": "updraft@localhost"}
        who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in name.items()}
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            **who,
            **(extra or {}),
            "GIT_DIR": str(self.git_dir),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        done = subprocess.run(
            ["git", *settings, *args],
            cwd=cwd,
            env=environment,
            capture_output=True,
            check=False,
            input=os.fsencode(given),
        )
        # A file's name may be any bytes; text would make a line end of its carriage return.
        told, said = os.fsdecode(done.stdout), os.fsdecode(done.stderr)
        if check and done.returncode:
            raise UpdraftError(
                f"git failed: {said.strip() or told.strip()}",
                where=f"{self.remote.url}, branch {self.remote.branch}",
                fix=fix,
            )
        return told.strip()
