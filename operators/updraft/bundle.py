"""The DAGs that git-sync delivers, as a bundle that knows its commit: runs are pinned to one."""

from __future__ import annotations

import logging
import re
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk.configuration import conf

from updraft.errors import ConfigurationError, TransientError

log = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ATTEMPTS = 3


def commit_of(link: Path) -> str | None:
    """Return the commit that git-sync's link points to, None where it is no such link."""
    try:
        name = link.readlink().name
    except OSError:
        return None
    return name if _COMMIT.fullmatch(name) else None


class GitSyncDagBundle(BaseDagBundle):
    """A folder below git-sync's link, whose version is the commit that the link points to.

    The DAG processor parses a copy that moves only when Airflow asks for a refresh: were it the
    live link, a file of a new commit would be recorded under the old one. A task's pod has its
    files for itself alone; there this bundle refuses to run a commit that is not the run's.

    Args:
        path: A folder below git-sync's link, or the link; Airflow's folder of DAGs by default.
        one_time: git-sync fetched once and has ended, as in a task's pod.
        options: What every bundle takes.

    Example:
        >>> GitSyncDagBundle(name="dags", path="/nowhere").initialize()
        Traceback (most recent call last):
        updraft.errors.ConfigurationError: git-sync does not keep this folder
          where: /nowhere
          fix:   name a folder below git-sync's link, or use Airflow's LocalDagBundle
    """

    supports_versioning = True

    def __init__(self, *, path: str = "", one_time: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._path = Path(path or conf.get("core", "dags_folder"))
        self.one_time = one_time

    @cached_property
    def _link(self) -> Path:
        for part in (self._path, *self._path.parents):
            if commit_of(part):
                return part
        raise ConfigurationError(
            "git-sync does not keep this folder",
            where=str(self._path),
            fix="name a folder below git-sync's link, or use Airflow's LocalDagBundle",
        )

    @property
    def _shown(self) -> Path:
        return self._link if self.one_time else self.base_dir / "current"

    @property
    def path(self) -> Path:
        """Where the DAG files are; the same whatever the commit."""
        return self._shown / self._path.relative_to(self._link)

    def get_current_version(self) -> BundleVersion | None:
        """Return the commit of the files at `path`, None before the first refresh."""
        commit = commit_of(self._shown)
        return BundleVersion(commit) if commit else None

    def initialize(self) -> None:
        """Make `path` ready.

        Raises:
            ConfigurationError: git-sync does not keep the folder, or it is a task's pod whose
                files are of another commit than the run's.
            TransientError: git-sync moves on faster than its files can be copied.
        """
        if self.one_time:
            self._refuse_another_commit()
        elif self.version is None or not commit_of(self._shown):
            self.refresh()
        super().initialize()

    def refresh(self) -> None:
        """Show the commit that git-sync has fetched last.

        Raises:
            ConfigurationError: git-sync does not keep the folder.
            TransientError: git-sync moves on faster than its files can be copied.
        """
        if self.one_time or commit_of(self._link) == commit_of(self._shown):
            return
        with self.lock():
            tree, previous = self._copy(), commit_of(self._shown)
            new = self.base_dir / "new"
            new.unlink(missing_ok=True)
            new.symlink_to(tree)
            new.replace(self._shown)
            log.info("bundle %s is at commit %s", self.name, tree.name)
            # A file of the one before may be being parsed.
            for old in tree.parent.iterdir():
                if old.name not in (tree.name, previous):
                    shutil.rmtree(old)

    def _copy(self) -> Path:
        """Copy what git-sync has now; the times of its files are new, so Airflow parses them."""
        trees = self.base_dir / "trees"
        new = trees / "new"
        for _ in range(_ATTEMPTS):
            commit = str(commit_of(self._link))
            shutil.rmtree(new, ignore_errors=True)
            trees.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copytree(
                    self._link.resolve(),
                    new,
                    symlinks=True,
                    ignore=shutil.ignore_patterns(".git"),
                    copy_function=shutil.copy,
                )
            except OSError as error:
                log.info("files went away while they were copied: %s", error)
            # git-sync deletes a commit's files only after it has moved its link.
            if commit_of(self._link) == commit:
                # A copy of it is there where the branch goes back, or a kill came before the link.
                shutil.rmtree(trees / commit, ignore_errors=True)
                return new.rename(trees / commit)
        raise TransientError(
            "the commit changed at each attempt to copy its files",
            where=str(self._link),
            fix="set a longer updraft:dags.period",
        )

    def _refuse_another_commit(self) -> None:
        found = commit_of(self._link)
        if self.version not in (None, found):
            raise ConfigurationError(
                f"these files are of commit {found}, the run is pinned to {self.version}",
                where=str(self._link),
                fix="let updraft.pods pin the pod (see docs/adr/0010), or clear the task with "
                '"Run with latest bundle version"',
            )
