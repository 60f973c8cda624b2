"""Make .venv hold the locked packages, then become its Python; needs no package itself.

Usage: python3 infra/cli/bootstrap.py none|infra|dev [arguments of python …]

It can be run twice, side by side, and after having been killed: a lock serialises it, and a stamp
with the lock file's hash is written last.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
# What is in the name of each variable of pip and uv that says where packages come from.
OF_REGISTRY = (
    *("INDEX", "FIND_LINKS", "CERT", "TLS", "HOST", "HTTP", "PROXY", "KEYRING", "CONFIG"),
    *("TIMEOUT", "RETRIES", "CACHE", "OFFLINE"),
)
# What serves for the key: tests need all that operating needs.
SERVED_BY = {"infra": ("infra", "dev"), "dev": ("dev",)}


def fail(what: str, fix: str) -> NoReturn:
    """End with a message on standard error and exit code 1."""
    print(f"error: {what}\n  fix:   {fix}", file=sys.stderr)
    raise SystemExit(1)


def newer_python() -> None:
    """Run this script again by a Python that is new enough, where this one is not."""
    if sys.version_info >= OLDEST:
        return
    for minor in (13, 12, 11, 14):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, *sys.argv])  # noqa: S606 -- there is no shell to start
    fail(
        f"Python {sys.version.split()[0]} is too old, {OLDEST[0]}.{OLDEST[1]} or newer is needed",
        "install Python 3.11 to 3.14, or name one: make PYTHON=/path/to/python3.12 …",
    )


def wanted(name: str) -> str:
    """The stamp's text for a set of packages: it changes with the lock, uv and Python."""
    digest = hashlib.sha256(sys.version.encode())
    for file in ("uv.txt", f"{name}.txt"):
        path = ROOT / "requirements" / file
        if not path.is_file():
            fail(f"{path} is missing", "check out the repository again")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(name: str) -> Path:
    """Where a set's stamp lies: inside the environment, so that they go together."""
    return VENV / f".updraft-{name}"


def ready(name: str) -> bool:
    """Whether the environment holds the set of packages already."""
    return PYTHON.exists() and any(
        stamp(each).is_file() and stamp(each).read_text() == wanted(each)
        for each in SERVED_BY[name]
    )


def usable() -> bool:
    """Whether .venv is an environment of this very Python version, whole enough to install into."""
    if not PYTHON.exists():
        return False
    version = "import sys; import pip; print(*sys.version_info[:2])"
    asked = [str(PYTHON), "-c", version]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout.split() == [str(part) for part in sys.version_info[:2]]


def need_venv_module() -> None:
    """Install Debian's python3-venv where Python came without ensurepip."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python3.{sys.version_info.minor}-venv"
    install = f"apt-get install -y {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        fail("this Python can't make virtual environments (ensurepip is missing)", install)
    print(f"• installing the Debian package {package}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    done = subprocess.run(["apt-get", "install", "-y", "-qq", package], env=quiet, check=False)
    if done.returncode:
        fail(f"{install} failed", "see apt's message above")


def create() -> None:
    """Make an empty environment in the place of whatever was there."""
    need_venv_module()
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False)
    if done.returncode:
        fail(f"{VENV} can't be made", "see the message above; a full or read-only disk?")


def registry_environment() -> dict[str, str]:
    """The environment of pip and uv: where packages come from, and nothing of what or whereto.

    uv gets pip's index and certificates, where the host has set them for pip.
    """
    environment = {name: value for name, value in os.environ.items() if concerns_registry(name)}
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environment.keys():
        asked = [str(PYTHON), "-m", "pip", "config", "get", "global.index-url"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        index = environment.get("PIP_INDEX_URL") or found
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    if "PIP_CERT" in environment:
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    return environment


def concerns_registry(name: str) -> bool:
    """Whether a variable may reach pip and uv: the locks say what is installed, and .venv where."""
    tool, _, option = name.partition("_")
    if tool in {"PIP", "UV"}:
        return any(word in option for word in OF_REGISTRY)
    return name not in {"PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS"}


def install(name: str) -> bool:
    """Install uv by its hash, and with it the set by theirs; False when something failed."""
    locked = ["--require-hashes", "-r"]
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-q", *locked]
    # Compiled now, and not by each process that imports Airflow, which takes it many seconds.
    into = ["--compile-bytecode", "--python", str(PYTHON)]
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", *into, *locked]
    locks = ROOT / "requirements"
    for command in ([*pip, str(locks / "uv.txt")], [*uv, str(locks / f"{name}.txt")]):
        if subprocess.run(command, env=registry_environment(), check=False).returncode:
            return False
    return True


def ensure(name: str) -> None:
    """Bring .venv to the state that the set's lock describes."""
    if ready(name):
        return
    # The checkout itself is the lock: nothing to make, nothing to leave behind.
    fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)
    if ready(name):  # another run made it while this one waited
        return
    started = time.monotonic()
    print(f"• Python packages of requirements/{name}.txt into {VENV}", flush=True)
    fresh = not usable()
    if fresh:
        create()
    done = install(name)
    if not done and not fresh:
        # A run that was killed while installing can leave a package that can't be replaced.
        create()
        done = install(name)
    if not done:
        fail(
            f"the packages of requirements/{name}.txt can't be installed",
            "see the message above; is PyPI (or the index of pip's settings) reachable?",
        )
    mark = stamp(name)
    draft = mark.with_suffix(".tmp")
    draft.write_text(wanted(name))
    draft.replace(mark)
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def main() -> None:
    """Ensure the set that the first argument names and become its Python for the rest."""
    newer_python()
    name, *arguments = sys.argv[1:]
    if name != "none":
        # What is told of packages is no output of the command, which a shell may evaluate.
        output = os.dup(1)
        os.dup2(2, 1)
        ensure(name)
        os.dup2(output, 1)
        os.close(output)
    python = PYTHON if PYTHON.exists() else Path(sys.executable)
    paths = [str(ROOT), str(ROOT / "operators"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # Containers often set it: our own modules, and all that is imported first, would be compiled
    # at each start, and the linter would take that for what a DAG file takes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(ROOT)
    if arguments:
        os.execv(python, [str(python), *arguments])  # noqa: S606 -- there is no shell to start


if __name__ == "__main__":
    main()
