"""The program that builds images: buildah, podman or docker, whichever is there."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.shell import awaited, last_lines, run
from infra.output import Print

PROGRAMS = ("buildah", "podman", "docker")
# Of Debian, where none of them is there.
PACKAGES = {"buildah": "buildah"}
REPOSITORY = "localhost/updraft"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One build.

    Args:
        reference: What the image shall be called.
        context: The folder that the Containerfile copies from.
        containerfile: Its path.
        arguments: Build arguments by name.
        secrets: Files that are mounted during the build and kept in no layer.
    """

    reference: str
    context: Path
    containerfile: Path
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]


class Engine:
    """One of the programs, with its images kept inside the cache where it can be told to.

    Args:
        program: buildah, podman or docker.
        store: Folder for the images of buildah and podman; docker's daemon has its own.
    """

    def __init__(self, program: str, store: Path) -> None:
        self.program = program
        self.store = store
        self._command: list[str] = [program]
        if program != "docker":
            self._command += ["--root", str(store / "images"), "--runroot", str(store / "run")]

    def has(self, reference: str) -> bool:
        """Whether the image is there."""
        kind = [] if self.program == "buildah" else ["image"]
        found = subprocess.run(
            [*self._command, *kind, "inspect", reference], capture_output=True, check=False
        )
        return found.returncode == 0

    def clean(self) -> None:
        """Remove the containers that a killed build left in the store."""
        if self.program == "buildah":
            run(*self._command, "rm", "--all", check=False)

    def build(self, recipe: Recipe, log: Path, output: Print) -> None:
        """Build an image, its steps told as they begin and its output kept in a log.

        Raises:
            UpdraftError: It failed; with the log's last lines.
        """
        command = [*self._command, "build", "--file", str(recipe.containerfile)]
        command += ["--tag", recipe.reference, "--network", "host"]
        if self.program == "buildah":
            command += ["--isolation", "chroot", "--layers"]
        elif self.program == "podman":
            command += ["--layers"]
        else:
            command += ["--progress", "plain"]
        for name, value in recipe.arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        for name, path in recipe.secrets.items():
            command += ["--secret", f"id={name},src={path}"]
        with log.open("w", encoding="utf-8") as printed:
            code = _follow([*command, str(recipe.context)], printed.write, output)
        if code:
            raise UpdraftError(
                f"{self.program} could not build {recipe.reference}:\n"
                + last_lines(log.read_text()),
                where=str(log),
                fix="mend what the log's last lines name, then run the same command again: "
                "finished steps are not repeated",
            )

    def save(self, reference: str, archive: Path) -> None:
        """Write an image to a docker archive, its layers uncompressed: the quickest to import."""
        archive.unlink(missing_ok=True)
        if self.program == "docker":
            run(*self._command, "save", "--output", archive, reference)
        else:
            run(*self._command, "push", reference, f"docker-archive:{archive}:{reference}")

    def load(self, archive: Path) -> None:
        """Take an image from a docker archive, by the name that the archive gives it."""
        if self.program == "buildah":
            run(*self._command, "pull", f"docker-archive:{archive}")
        else:
            run(*self._command, "load", "--input", archive)

    def push(self, reference: str, target: str) -> None:
        """Push an image to a registry under another name.

        Raises:
            UpdraftError: The registry refused it or can't be reached.
        """
        fix = f"log in (`{self.program} login`), and check that the registry can be reached"
        if self.program == "docker":
            run(*self._command, "tag", reference, target)
            run(*self._command, "push", target, fix=fix)
        else:
            run(*self._command, "push", reference, f"docker://{target}", fix=fix)

    def pull(self, reference: str) -> str:
        """Pull an image and return its name with the digest that the registry gave it."""
        run(*self._command, "pull", reference)
        query = ["inspect", "--format"]
        if self.program == "buildah":
            digest = run(*self._command, *query, "{{.FromImageDigest}}", reference).strip()
            return f"{reference.rpartition(':')[0]}@{digest}"
        return run(*self._command, "image", *query, "{{index .RepoDigests 0}}", reference).strip()

    def remove(self, reference: str) -> None:
        """Remove an image where it is there."""
        run(*self._command, "rmi", reference, check=False)


def _follow(command: list[str], write: Callable[[str], object], output: Print) -> int:
    """Run a build, tell each step that it begins, and return its exit code."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    with process, awaited(process):
        for line in process.stdout or ():
            write(line)
            words = line.split()
            if "RUN" in words[:6]:
                begun = " ".join(
                    word for word in words[words.index("RUN") :] if "--mount" not in word
                )
                output(f"  {time.monotonic() - start:4.0f} s  {begun[:90]}")
    return process.returncode


def find() -> str | None:
    """Name the first program that works; docker counts only while its daemon answers."""
    for program in PROGRAMS:
        if shutil.which(program) and (program != "docker" or _daemon_answers()):
            return program
    return None


def _daemon_answers() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
