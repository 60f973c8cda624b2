"""A containerd that serves a store of images while a command needs it, and no longer."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UpdraftError
from infra.local import configs
from infra.local.images import Store
from infra.local.shell import NODE_PATH, UMASK, awaited, end, last_lines

PATIENCE = 60.0
POLL = 0.1


@contextmanager
def serving(root: Path, run: Path, built: Mapping[str, Path], snapshotter: str) -> Iterator[Store]:
    """Serve a store by a containerd of our own, whose mounts nobody else sees.

    Args:
        root: Where the store is, or is to be.
        run: A folder of this command alone, short enough for a socket's path.
        built: The programs; of them containerd and ctr.
        snapshotter: Where layers are unpacked to.

    Raises:
        UpdraftError: It does not start; with the last that it said.
    """
    state = run / "unpacker"
    shutil.rmtree(state, ignore_errors=True)  # a killed command's
    state.mkdir(parents=True, mode=0o700)
    socket, config, log = (state / name for name in ("sock", "config.toml", "log"))
    config.write_text(configs.unpacker(root, state / "state", socket))
    store = Store(built["ctr"], socket, snapshotter)
    with log.open("w") as file:
        process = subprocess.Popen(
            [
                # Whatever ends this process ends it too.
                *("setpriv", "--pdeathsig", "KILL"),
                *("unshare", "--mount", "--propagation", "private", "--"),
                *(str(built["containerd"]), f"--config={config}", "--log-level=warn"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            umask=UMASK,
            env={"PATH": NODE_PATH},
        )
    with awaited(process):
        _wait(store, process, log)
        yield store
    end(process)
    shutil.rmtree(state)


def _wait(store: Store, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not store.answers():
        if process.poll() is not None or time.monotonic() > until:
            raise UpdraftError(
                "containerd, which unpacks the images, does not start:\n"
                f"{last_lines(log.read_text(errors='replace'))}",
                where=str(log),
                fix="mend what it says, then run it again",
            )
        time.sleep(POLL)
