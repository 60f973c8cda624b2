"""Push a folder of DAGs by plain git, without losing what others pushed there."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.cli.dag_files import refuse_unfit, told
from infra.cli.dag_merge import Files, index_info, merge, parse
from infra.errors import UpdraftError
from infra.output import printable

# What was pushed from here last, and what the remote held after that.
PUSHED, SEEN = "refs/updraft/pushed", "refs/updraft/seen"
# The same of a push whose answer hasn't come: the server may have taken it.
SENT, SENDING = "refs/updraft/sent", "refs/updraft/sending"
REMOTE = "refs/updraft/remote"
MARK = "Updraft-Pushed: dags"
NEVER = "__pycache__/\n*.pyc\n"
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
class Pushed:
    """What a push came to.

    Args:
        commit: The remote's commit now.
        tree: The folder's content, as git names it; what others pushed is not in it.
        new: Whether it is new.
        changes: What the push did to the remote.
        left: By what the remote differs from the folder still, since others pushed that.
    """

    commit: str
    tree: str
    new: bool
    changes: Changes
    left: Changes


class DagPusher:
    """Pushes a folder as commits of a small repository kept beside the platform's state.

    What was pushed last is the base of a three-way merge, so files that others pushed stay.

    Args:
        folder: The DAGs.
        state: Where the small repository is kept.
        remote: Where to push.
    """

    def __init__(self, folder: Path, state: Path, remote: Remote) -> None:
        self.folder = folder.resolve()
        self.git_dir = state / "dags.git"
        self.remote = remote

    def push(self, mirror: Callable[[Changes], None] | None = None) -> Pushed:
        """Push the folder's present content.

        Args:
            mirror: Makes the remote equal to the folder, whatever others pushed; called before
                that with what it would do, it raises where that is not wanted.

        Raises:
            UpdraftError: The folder is missing, the remote can't be reached, or it holds other
                changes of the same files.
        """
        if not self.folder.is_dir():
            raise UpdraftError("the folder of DAGs is missing", where=str(self.folder))
        self._prepare()
        theirs, tree = self._fetch(), self._tree()
        base = theirs if mirror else self._base(theirs)
        ours = self._commit(tree, base)
        commit = self._merge(base, ours, theirs) if theirs else ours
        changes = self._changes(theirs, commit)
        if mirror and commit != theirs:
            mirror(changes)
        if commit != theirs:
            self._note({SENT: ours, SENDING: commit})
            self._send(commit)
        self._note({PUSHED: ours, SEEN: commit, SENT: "", SENDING: ""})
        left = self._changes(tree, commit)
        return Pushed(commit, tree, commit != theirs, changes, left)

    def newest(self) -> str:
        """Return the remote branch's commit; empty while the remote has no such branch."""
        branch = f"refs/heads/{self.remote.branch}"
        return self._over_http("ls-remote", self.remote.url, branch).partition("\t")[0]

    def _send(self, commit: str) -> None:
        try:
            self._over_http(
                "push", "-q", self.remote.url, f"{commit}:refs/heads/{self.remote.branch}"
            )
        except UpdraftError as error:
            if "[rejected]" not in error.what:
                raise
            raise UpdraftError(
                "others have pushed meanwhile, so nothing was pushed from here",
                where=error.where,
                fix="run it again: it looks at what they pushed",
            ) from error

    def _prepare(self) -> None:
        # Nobody else works in it: a lock is of a push that was killed.
        for left in self.git_dir.rglob("*.lock"):
            left.unlink()
        head = self.git_dir / "HEAD"
        if not (head.is_file() and head.stat().st_size):
            head.unlink(missing_ok=True)
            self.git_dir.parent.mkdir(parents=True, exist_ok=True)
            self._git("init", "-q", "--bare", str(self.git_dir))
        exclude = self.git_dir / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(NEVER)

    def _fetch(self) -> str:
        """The remote branch's commit, fetched; empty while the remote has no such branch."""
        if not self.newest():
            return ""
        branch = f"refs/heads/{self.remote.branch}"
        self._over_http("fetch", "-q", "--no-tags", self.remote.url, f"+{branch}:{REMOTE}")
        return self._git("rev-parse", REMOTE)

    def _tree(self) -> str:
        """The folder's content as a git tree, below the sub path that git-sync links."""
        index = self.git_dir / "index.dags"
        index.unlink(missing_ok=True)
        work = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(self.folder)}
        self._git("add", "-A", "--", ".", extra=work, cwd=self.folder)
        tree = self._git("write-tree", extra=work)
        refuse_unfit(self.folder, self._git("ls-tree", "-rlz", tree))
        if not self.remote.sub_path:
            return tree
        index.unlink(missing_ok=True)
        self._git("read-tree", f"--prefix={self.remote.sub_path.strip('/')}/", tree, extra=work)
        return self._git("write-tree", extra=work)

    def _base(self, theirs: str) -> str:
        """The last commit that was pushed from here: kept here, else found in the remote."""
        if not theirs:
            return ""
        # A remote that was made anew holds nothing of what was pushed before.
        for remote, here in ((SENDING, SENT), (SEEN, PUSHED)):
            if self._is_ancestor(self._known(remote), theirs):
                return self._known(here)
        return self._git("log", "-1", "--format=%H", f"--grep=^{MARK}$", theirs, check=False)

    def _note(self, refs: Mapping[str, str]) -> None:
        """Set refs, all or none; empty ones go."""
        lines = [f"update {ref} {to}" if to else f"delete {ref}" for ref, to in refs.items()]
        self._git("update-ref", "--stdin", given="".join(f"{line}\n" for line in lines))

    def _known(self, ref: str) -> str:
        return self._git("rev-parse", "-q", "--verify", ref, check=False)

    def _is_ancestor(self, commit: str, of: str) -> bool:
        return bool(commit) and self._git("merge-base", commit, of, check=False) == commit

    def _commit(self, tree: str, base: str) -> str:
        """A commit of the tree on top of the base; the base itself when nothing changed."""
        if base and self._git("rev-parse", f"{base}^{{tree}}") == tree:
            return base
        parents = ["-p", base] if base else []
        return self._git("commit-tree", tree, *parents, "-m", "Push the DAGs", "-m", MARK)

    def _merge(self, base: str, ours: str, theirs: str) -> str:
        """The commit for the remote: theirs, ours, or a merge of both."""
        if self._is_ancestor(theirs, ours):
            return ours
        sides = [self._files(commit) for commit in (base, ours, theirs)]
        merged = merge(*sides)
        if merged.clashes:
            raise self._clash(merged.clashes, sides[2])
        if merged.files == sides[2]:
            return theirs
        index = self.git_dir / "index.merged"
        index.unlink(missing_ok=True)
        work = {"GIT_INDEX_FILE": str(index)}
        given = index_info(merged.files)
        self._git("update-index", "-z", "--index-info", extra=work, given=given)
        tree = self._git("write-tree", extra=work)
        heads = ["-p", theirs, "-p", ours]
        return self._git("commit-tree", tree, *heads, "-m", "Merge the pushed DAGs")

    def _files(self, commit: str) -> dict[str, str]:
        return parse(self._git("ls-tree", "-rz", commit)) if commit else {}

    def _clash(self, paths: Sequence[str], theirs: Files) -> UpdraftError:
        first = paths[0]
        sub_path = self.remote.sub_path.strip("/")
        tree, inside = f"{REMOTE}:{sub_path}", first.removeprefix(f"{sub_path}/")
        words = ["git", f"--git-dir={self.git_dir}", "archive", tree.rstrip(":"), inside]
        # With its mode, and as a link where it is one.
        take = f"{shlex.join(words)} | {shlex.join(['tar', '-xC', str(self.folder)])}"
        way = (
            f"put their version into the folder ({printable(take)})"
            if first in theirs
            else f"take {printable(first)} out of the folder, as they have"
        )
        return UpdraftError(
            f"others changed the same DAGs: {told(paths)}",
            where=f"{self.remote.url}, branch {self.remote.branch}",
            fix=f"{way}, push, then change it and push again; or, to drop all that others pushed: "
            "make push-dags MIRROR=1",
        )

    def _changes(self, before: str, after: str) -> Changes:
        """What a commit or tree holds otherwise than one before it, which may be none."""
        before = before or self._git("hash-object", "-t", "tree", os.devnull)
        told = self._git("diff-tree", "-r", "--no-renames", "--name-status", "-z", before, after)
        words = told.split("\0")
        pairs = list(zip(words[::2], words[1::2], strict=False))
        return Changes(
            added=tuple(path for kind, path in pairs if kind == "A"),
            changed=tuple(path for kind, path in pairs if kind not in {"A", "D"}),
            removed=tuple(path for kind, path in pairs if kind == "D"),
        )

    def _over_http(self, *args: str) -> str:
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
        return self._git(*options, *args, extra=credentials, fix=REACH)

    def _git(
        self,
        *args: str,
        extra: dict[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = True,
        given: str = "",
        fix: str = "mend what git names in the folder of DAGs, then run it again",
    ) -> str:
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
