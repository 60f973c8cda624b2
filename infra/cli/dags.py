"""Push a folder of DAGs by plain git, without losing what others pushed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.cli.dag_clash import Clash
from infra.cli.dag_files import refuse_unfit
from infra.cli.dag_merge import base_that_only_adds, merge
from infra.cli.dag_repository import Changes, Remote, Repository
from infra.errors import UpdraftError

# What was pushed from here last, and what the remote held after that.
PUSHED, SEEN = "refs/updraft/pushed", "refs/updraft/seen"
# The same of each push whose answer hasn't come, below its commit: the server may take it yet.
UNANSWERED = "refs/updraft/unanswered/"
REMOTE = "refs/updraft/remote"
MARK = "Updraft-Pushed: dags"
# Called with what a push would do, it raises where that is not wanted.
Agreed = Callable[[Changes], None]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push came to.

    Args:
        commit: The remote's commit now.
        tree: The folder's content, as git names it; what others pushed is not in it.
        new: Whether it is new.
        first: Whether the remote held nothing before.
        whole: Whether what is pushed from here can count as the folder: false where files of others
            kept some of it out, since nothing was pushed from here before.
        changes: What the push did to the remote.
        left: By what the remote differs from the folder still, since others pushed that.
    """

    commit: str
    tree: str
    new: bool
    first: bool
    whole: bool
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
        self._remote = remote
        self._git = Repository.beside(state, remote)

    def push(self, mirror: Agreed | None = None, takeover: Agreed | None = None) -> Pushed:
        """Push the folder's present content.

        Args:
            mirror: Makes the remote equal to the folder, whatever others pushed; called before.
            takeover: Where the remote holds something, but nothing of it is known to be pushed from
                here: takes the newest push of any folder for the one before this; called before.
                Without it such a push only adds files.

        Raises:
            UpdraftError: The folder is missing, the remote can't be reached, or it holds other
                changes of the same files.
        """
        if not self.folder.is_dir():
            raise UpdraftError("the folder of DAGs is missing", where=str(self.folder))
        self._git.prepare()
        theirs, tree = self._fetch(), self._tree()
        self._learn(theirs)
        base, own = self._base(theirs)
        agreed, only_adds = mirror, False
        if mirror:
            base = theirs
        elif not own:
            agreed, only_adds = takeover, takeover is None
        ours = self._commit(tree, base)
        commit = self._merge(base, ours, theirs, only_adds=only_adds) if theirs else ours
        changes, left = self._git.changes(theirs, commit), self._git.changes(tree, commit)
        whole = not (only_adds and (left.changed or left.removed))
        if agreed and commit != theirs:
            agreed(changes)
        self._send(theirs, commit, ours if whole else "")
        return Pushed(commit, tree, commit != theirs, not theirs, whole, changes, left)

    def _send(self, theirs: str, commit: str, ours: str) -> None:
        """Give the remote its new commit, unless it has it; note what of it is ours, if it is."""
        pushed = {PUSHED: ours, SEEN: commit} if ours else {}
        if commit != theirs:
            self._git.note({_unanswered(ref, commit): to for ref, to in pushed.items()})
            self._try(commit)
            # The remote has gone on from where those were to be taken.
            pushed |= dict.fromkeys(self._git.refs(UNANSWERED), "")
        self._git.note(pushed)

    def _try(self, commit: str) -> None:
        branch = f"refs/heads/{self._remote.branch}"
        try:
            self._git.over_http("push", "-q", self._remote.url, f"{commit}:{branch}")
        except UpdraftError as error:
            if "[rejected]" not in error.what:
                raise
            raise UpdraftError(
                "others have pushed meanwhile, so nothing was pushed from here",
                where=error.where,
                fix="run it again: it looks at what they pushed",
            ) from error

    def _fetch(self) -> str:
        """The remote branch's commit, fetched; empty while the remote has no such branch."""
        if not self._git.newest():
            return ""
        branch = f"refs/heads/{self._remote.branch}"
        self._git.over_http("fetch", "-q", "--no-tags", self._remote.url, f"+{branch}:{REMOTE}")
        return self._git.run("rev-parse", REMOTE)

    def _tree(self) -> str:
        """The folder's content as a git tree, below the sub path that git-sync links."""
        tree = self._git.snapshot(self.folder)
        refuse_unfit(self.folder, self._git.run("ls-tree", "-rlz", tree))
        sub_path = self._remote.sub_path
        if not sub_path:
            return tree
        files = self._git.files(tree)
        return self._git.tree({f"{sub_path}/{path}": about for path, about in files.items()})

    def _learn(self, theirs: str) -> None:
        """Note which push the remote has taken though its answer was lost."""
        refs = self._git.refs(UNANSWERED)
        for ref, commit in refs.items():
            if ref == _unanswered(SEEN, commit) and self._git.is_ancestor(commit, theirs):
                pushed = _unanswered(PUSHED, commit)
                self._git.note({PUSHED: refs[pushed], SEEN: commit, pushed: "", ref: ""})

    def _base(self, theirs: str) -> tuple[str, bool]:
        """The commit that was pushed before: from here, or else by anybody; and whether from here.

        To a remote that is empty all is pushed from here.
        """
        if not theirs:
            return "", True
        # A remote that was made anew holds nothing of what was pushed before.
        if self._git.is_ancestor(self._git.known(SEEN), theirs):
            return self._git.known(PUSHED), True
        return self._git.run("log", "-1", "--format=%H", f"--grep=^{MARK}$", theirs), False

    def _commit(self, tree: str, base: str) -> str:
        """A commit of the tree on top of the base; the base itself when nothing changed."""
        if base and self._git.run("rev-parse", f"{base}^{{tree}}") == tree:
            return base
        return self._git.commit(tree, [base], "Push the DAGs", MARK)

    def _merge(self, base: str, ours: str, theirs: str, *, only_adds: bool) -> str:
        """The commit for the remote: theirs, ours, or a merge of both."""
        if not only_adds and self._git.is_ancestor(theirs, ours):
            return ours
        before, mine, others = [self._git.files(commit) for commit in (base, ours, theirs)]
        if only_adds:
            before = base_that_only_adds(before, mine, others)
        merged = merge(before, mine, others)
        if merged.clashes:
            raise Clash(merged.clashes, self.folder, mine, others, REMOTE).error(self._git)
        if merged.files == others:
            return theirs
        tree = self._git.tree(merged.files)
        if only_adds:
            # Not marked, as it isn't the folder; what is, is not in its history.
            return self._git.commit(tree, [theirs], "Add DAGs that were not there")
        return self._git.commit(tree, [theirs, ours], "Merge the pushed DAGs")


def _unanswered(ref: str, commit: str) -> str:
    """Where a ref is kept of a push of that commit until its answer comes."""
    return f"{UNANSWERED}{commit}/{ref.rpartition('/')[2]}"
