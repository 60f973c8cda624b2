"""Where a checkout's local Airflow keeps its things, and who uses them now."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.paths import Paths
from infra.local.processes import started_at
from updraft.testing.binaries import Account

# Seconds for what a killed `make dev` left behind to end.
LEFTOVERS = 30.0


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one checkout's local Airflow.

    Args:
        state: Its files; they outlive it, until RESET=1.
        data: PostgreSQL's data folder.
    """

    state: Path
    data: Path

    @classmethod
    def of(cls, paths: Paths) -> Home:
        """Return, and make, the home that belongs to an instance."""
        state = paths.state / "dev"
        state.mkdir(parents=True, exist_ok=True)
        account = Account.able()
        place = state if account.reaches(state) else paths.elsewhere / "dev"
        folder = place / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        if account.uid is not None:
            os.chown(folder, account.uid, account.gid or 0)
        return cls(state, folder / "data")

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.state / "airflow"

    @property
    def logs(self) -> Path:
        """What each of Airflow's processes says, a file each."""
        return self.state / "log"

    def reset(self) -> None:
        """Delete all databases and files; nothing may be running."""
        for folder in (self.airflow, self.logs, self.data):
            shutil.rmtree(folder, ignore_errors=True)
        (self.state / "secrets.json").unlink(missing_ok=True)

    def keys(self) -> dict[str, str]:
        """Return the keys that Airflow signs and encrypts by, made at the first run."""
        file = self.state / "secrets.json"
        if not file.exists():
            made = {
                "fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "jwt": secrets.token_urlsafe(48),
                "session": secrets.token_urlsafe(32),
            }
            draft = file.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(made))
            draft.replace(file)
        found: dict[str, str] = json.loads(file.read_text())
        return found

    @contextmanager
    def taken(self) -> Iterator[int]:
        """Keep another `make dev` of this checkout out while the block runs.

        Yields:
            The lock's file descriptor. A process that inherits it holds the lock as well, so that
            it is free only when the last of them has ended.

        Raises:
            UpdraftError: There is another one.
        """
        descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def write_owner(self, url: str) -> None:
        """Note who runs, and where, for a second `make dev` to tell."""
        owner = {"pid": os.getpid(), "started": started_at(os.getpid()), "url": url}
        (self.state / "owner.json").write_text(json.dumps(owner))

    def _lock(self, descriptor: int) -> None:
        end = time.monotonic() + LEFTOVERS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._refuse(late=time.monotonic() > end)
            else:
                return
            time.sleep(0.1)

    def _refuse(self, *, late: bool) -> None:
        """Raise an error where another one runs; not where one was killed and is just ending."""
        try:
            owner = json.loads((self.state / "owner.json").read_text())
        except (OSError, ValueError):
            owner = {}  # it has only just begun
        pid = owner.get("pid", 0)
        if owner and started_at(pid) == owner.get("started"):
            raise UpdraftError(
                f"make dev runs already: {owner['url']}",
                where=f"process {pid}",
                fix=f"use that one; or end it by Ctrl-C in its terminal, or by: kill {pid}",
            )
        if late:
            raise UpdraftError(
                "another make dev of this checkout is starting, or doesn't end",
                where=str(self.state / "lock"),
                fix="wait for it; `fuser` and that path shows its processes",
            )
