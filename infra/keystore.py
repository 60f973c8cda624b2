"""Keys and passwords of the embedded engine, made once and kept in a file of mode 0600."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UpdraftError

Values = dict[str, str]
SHORTEST_SECRET = 12


class KeyStore:
    """What Pulumi's encrypted state keeps for `pulumi-random`, in one JSON file.

    A value that is there is never made anew, whatever its resource asks for now: a database
    knows the old password.

    Args:
        path: The file; it and its folder are made at the first key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self, name: str, make: Callable[[], Values]) -> Values:
        """Return the values of the resource `name`, by `make` and saved if there are none yet.

        Raises:
            UpdraftError: The file can't be read as what this class has written.
        """
        with self._locked():
            known = self.read()
            if name not in known:
                known[name] = make()
                self._write(known)
            return known[name]

    def add(self, resources: Mapping[str, Values]) -> None:
        """Save the values of resources that have none yet."""
        with self._locked():
            known = self.read()
            whole = {**resources, **known}
            if whole != known:
                self._write(whole)

    @contextmanager
    def draft(self) -> Iterator[KeyStore]:
        """Yield a copy to draw into, which becomes the store unless the block fails."""
        with tempfile.TemporaryDirectory(prefix="updraft-keys-") as folder:
            copy = KeyStore(Path(folder) / self.path.name)
            copy.add(self.read())
            yield copy
            self.add(copy.read())

    def read(self) -> dict[str, Values]:
        """Return every resource's values; none when the file isn't there."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UpdraftError(
                f"the keys can't be read: {error.strerror}", where=str(self.path)
            ) from error
        try:
            found = json.loads(text)["resources"]
            return {str(name): {k: str(v) for k, v in found[name].items()} for name in found}
        except (ValueError, KeyError, TypeError, AttributeError):
            # The cause would carry the file's text, and so keys, into a traceback.
            raise UpdraftError(
                "the file of keys is damaged",
                where=str(self.path),
                fix="move it away: make up takes the keys from the cluster's Secrets while these "
                "are there; where they have gone, restore the file from a copy",
            ) from None

    def secrets(self) -> Iterator[str]:
        """Yield every value that is long enough to be told from an ordinary word."""
        for values in self.read().values():
            yield from (value for value in values.values() if len(value) >= SHORTEST_SECRET)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, known: dict[str, Values]) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "resources": known}, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
