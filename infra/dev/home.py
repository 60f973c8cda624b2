"""Where a checkout's local Airflow keeps its things."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from infra.dev import elsewhere, owner
from infra.local.paths import Paths
from updraft.testing.binaries import Account


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one checkout's local Airflow.

    Args:
        state: Its files; they outlive it, until RESET=1 or `make down`.
        data: PostgreSQL's data folder.
    """

    state: Path
    data: Path

    @classmethod
    def of(cls, paths: Paths) -> Home:
        """Return, and make, the home that belongs to an instance.

        Raises:
            UpdraftError: Another state's databases lie where these would be kept.
        """
        state = paths.state / "dev"
        state.mkdir(parents=True, exist_ok=True)
        account = Account.able()
        place = state
        if not account.reaches(state):
            elsewhere.claim(paths)
            place = paths.elsewhere / "dev"
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

    def taken(self) -> AbstractContextManager[int]:
        """Keep another `make dev` of this checkout out while the block runs; see `owner.taken`."""
        return owner.taken(self.state, otherwise="use that one; or ")

    def write_owner(self, url: str) -> None:
        """Note who runs, and where, for a second `make dev` to tell."""
        owner.write(self.state, url)
