"""The node's mount namespace: what its programs mount is seen, and ends, there alone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from infra.local.network import namespace_id
from infra.local.paths import RUN_ROOT, Paths
from infra.local.shell import run

# The kubelet would write these for the whole host; in its own namespace it finds them so.
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


@dataclass(frozen=True, slots=True)
class Bind:
    """A directory of ours that a program finds at a path which it does not let us choose."""

    source: Path
    target: Path


def binds(paths: Paths) -> list[Bind]:
    """The directories that must not be shared with the host's own containerd or kubelet."""
    return [
        Bind(paths.state / "kubelet", Path("/var/lib/kubelet")),
        Bind(paths.logs / "links", Path("/var/log/containers")),
        Bind(paths.run / "cni", Path("/var/lib/cni")),
        Bind(paths.run / "shims", Path("/run/containerd")),
    ]


def _script(paths: Paths) -> str:
    # Copies of the mounts by which other namespaces live would keep those alive: drop them.
    lines = [
        "set -e",
        "mount --make-rshared /",
        'awk \'$5 ~ "^/run/netns(/|$)" || $5 ~ "^' + str(RUN_ROOT) + "/[^/]+/ns(/|$)\" {print $5}'"
        ' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" || :; done',
    ]
    for bind in binds(paths):
        lines.append(f"mount --bind {shlex.quote(str(bind.source))} {bind.target}")
    for name in SYSCTLS:
        file = paths.run / "sysctl" / name.replace("/", ".")
        lines.append(f"mount --bind {shlex.quote(str(file))} /proc/sys/{name}")
    lines.append(f"readlink /proc/self/ns/mnt > {shlex.quote(str(paths.run / 'mounts-ready'))}")
    return "\n".join(lines)


def ready(paths: Paths) -> bool:
    """Whether the namespace is there and was made to its end."""
    identity = namespace_id(paths.mountns)
    marker = paths.run / "mounts-ready"
    return bool(identity) and marker.exists() and f"[{identity}]" in marker.read_text()


def ensure(paths: Paths) -> None:
    """Make the namespace, unless it is there whole."""
    if ready(paths):
        return
    remove(paths)
    made = [bind.target for bind in binds(paths) if not bind.target.exists()]
    with _mountpoints(paths).open("a") as file:
        file.writelines(f"{target}\n" for target in made)
    for bind in binds(paths):
        bind.source.mkdir(parents=True, exist_ok=True)
        bind.target.mkdir(parents=True, exist_ok=True)
    sysctls = paths.run / "sysctl"
    sysctls.mkdir(exist_ok=True)
    for name, value in SYSCTLS.items():
        (sysctls / name.replace("/", ".")).write_text(f"{value}\n")
    folder = paths.mountns.parent
    folder.mkdir(exist_ok=True)
    # A mount namespace can only be kept by a mount that is itself private.
    run("mount", "--bind", folder, folder)
    run("mount", "--make-private", folder)
    paths.mountns.touch()
    run(
        "unshare",
        f"--mount={paths.mountns}",
        "--propagation",
        "private",
        "sh",
        "-c",
        _script(paths),
    )


def points(paths: Paths) -> list[str]:
    """The host's mounts that keep the namespace, the innermost first."""
    return below(paths.mountns.parent)


def below(folder: Path) -> list[str]:
    """The host's mounts on a folder and inside it, the innermost first."""
    mounted = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [m for m in reversed(mounted) if m == str(folder) or m.startswith(f"{folder}/")]


def release(folder: Path) -> None:
    """Unmount what lies on a folder and inside it, so that it can be deleted."""
    for point in below(folder):
        run("umount", "-l", point)


def remove(paths: Paths) -> None:
    """Let the namespace go, with all its mounts; its processes must have ended."""
    (paths.run / "mounts-ready").unlink(missing_ok=True)
    release(paths.mountns.parent)


def _mountpoints(paths: Paths) -> Path:
    """The record of directories that were made on the host: of all instances together."""
    return paths.state.with_name("mountpoints")


def remove_mountpoints(paths: Paths) -> None:
    """Delete the directories that the host did not have, unless another instance needs them."""
    record = _mountpoints(paths)
    running = RUN_ROOT.iterdir() if RUN_ROOT.exists() else ()
    if any(folder.name != paths.instance for folder in running) or not record.exists():
        return
    for line in set(record.read_text().split()):
        target = Path(line)
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
    record.unlink()
