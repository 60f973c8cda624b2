"""A small git repository of DAGs, and the remote that it is pushed to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.cli.dag_merge import Files, index_info, parse
from infra.errors import UpdraftError

# A user's own settings would decide what is pushed: files to ignore, ends of lines, hooks.
SETTINGS = (
    *("core.excludesFile=/dev/null", "core.attributesFile=/dev/null", "core.hooksPath=/dev/null"),
    *("core.autocrlf=false", "core.quotePath=false"),
)
# What no folder's content holds.
NEVER = "__pycache__/\n*.pyc\n"
REACH = "make status shows whether the git server runs; is the address reachable?"
FOLDER = "mend what git names in the folder of DAGs, then run it again"
HERE = (
    "mend what git names, or delete that folder and run it again: no DAG is lost, but what was "
    "pushed from here before is no more known as its own, so make push-dags asks before it changes "
    "or removes anything, and make up only adds"
)
# Git's exit codes: a question's answer is no; fsck's word for what is only written oddly.
NO, ODD = 1, 1


@dataclass(frozen=True, slots=True)
class Remote:
    """A git repository over HTTP and who may write to it.

    Args:
        url: Its address.
        branch: The branch's short name.
        username: Who pushes.
        password: Theirs.
        sub_path: The folder of DAGs in it, as `dags.subPath` has it; empty where it is the whole.
    """

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

    def prepare(self) -> None:
        """Make it, unless it is there, and free it of what a push that was killed has left."""
        # Nobody else works in it: a lock is of a push that was killed.
        for left in self.git_dir.rglob("*.lock"):
            left.unlink()
        head = self.git_dir / "HEAD"
        if not (head.is_file() and head.stat().st_size):
            head.unlink(missing_ok=True)
            self.git_dir.parent.mkdir(parents=True, exist_ok=True)
            self.run("init", "-q", "--bare", str(self.git_dir))
        exclude = self.git_dir / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(NEVER)

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
        return self.run("rev-parse", "-q", "--verify", ref, passes=(0, NO))

    def refs(self, below: str) -> dict[str, str]:
        """The commits of all refs below a prefix, which ends with a slash."""
        told = self.run("for-each-ref", "--format=%(refname) %(objectname)", below)
        return dict(line.split(" ") for line in told.splitlines())

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether one commit is another one's ancestor, or that one itself; "" is nobody's."""
        return bool(commit and of) and self.run("merge-base", commit, of, passes=(0, NO)) == commit

    def files(self, tree: str) -> Files:
        """The files of a commit or tree; none of none."""
        return parse(self.run("ls-tree", "-rz", tree)) if tree else {}

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

    def snapshot(self, folder: Path) -> str:
        """A folder's content as a tree.

        Raises:
            UpdraftError: Git can't read a file of it.
        """
        work = {**self._index("dags"), "GIT_WORK_TREE": str(folder)}
        self.run("add", "-A", "--", ".", extra=work, cwd=folder, blame=(str(folder), FOLDER))
        return self.run("write-tree", extra=work)

    def tree(self, files: Files) -> str:
        """A tree of these files, whose contents it holds."""
        work = self._index("files")
        self.run("update-index", "-z", "--index-info", extra=work, given=index_info(files))
        return self.run("write-tree", extra=work)

    def commit(self, tree: str, parents: Sequence[str], *paragraphs: str) -> str:
        """A commit of a tree, its message of these paragraphs; parents that are "" don't count."""
        heads = [word for parent in parents if parent for word in ("-p", parent)]
        message = [word for paragraph in paragraphs for word in ("-m", paragraph)]
        return self.run("commit-tree", tree, *heads, *message)

    def _index(self, name: str) -> dict[str, str]:
        """The environment of an empty index of that name."""
        index = self.git_dir / f"index.{name}"
        index.unlink(missing_ok=True)
        return {"GIT_INDEX_FILE": str(index)}

    def over_http(self, *args: str) -> str:
        """Git with the remote's credentials: by its environment, never an argument or a file.

        Raises:
            UpdraftError: It failed; told of the repository here where that one is damaged.
        """
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
        blame = (f"{self.remote.url}, branch {self.remote.branch}", REACH)
        try:
            return self.run(*options, *args, extra=credentials, blame=blame)
        except UpdraftError:
            if (self.git_dir / "HEAD").is_file():
                self.run("fsck", "--no-dangling", passes=(0, ODD))
            raise

    def run(
        self,
        *args: str,
        extra: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        passes: Collection[int] = (0,),
        given: str = "",
        blame: tuple[str, str] | None = None,
    ) -> str:
        """Run git and return what it printed, without blanks at its ends.

        Args:
            args: Its arguments.
            extra: Variables of its environment besides.
            cwd: Where it runs.
            passes: The exit codes that are no error.
            given: Its standard input.
            blame: The place that an error names, and what it tells to do; this repository if None.

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
        if done.returncode not in passes:
            where, fix = blame or (str(self.git_dir), HERE)
            raise UpdraftError(f"git failed: {said.strip() or told.strip()}", where=where, fix=fix)
        return told.strip()
