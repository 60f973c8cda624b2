"""Every path and name of one instance of the embedded cluster, derived from the instance's name."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from infra.errors import UpdraftError
from infra.root import ROOT

RUN_ROOT = Path("/run/updraft")
DATA_ROOT = Path("/var/lib/updraft")
# A node's name is a label's value (63) and part of socket paths (107), so what precedes it counts.
LONGEST_NAME = 40


def default_instance(checkout: Path = ROOT) -> str:
    """The instance that belongs to a checkout: its folder's name and a hash of its path."""
    stem = re.sub(r"[^a-z0-9]+", "-", checkout.name.lower()).strip("-") or "updraft"
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()[:6]
    return f"{stem[: LONGEST_NAME - 7].rstrip('-')}-{digest}"


def _folder(variable: str, default: str) -> Path:
    given = os.environ.get(variable)
    return Path(given).expanduser().resolve() if given else Path.home() / default


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder in the cache or among the state, where it is not there yet.

    Raises:
        UpdraftError: It can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> UpdraftError:
    """What tells that a folder of the cache or the state can't be written, and the way out."""
    return UpdraftError(
        f"the folder can't be written: {error.strerror}",
        where=str(folder),
        fix="mend its permissions or free space, "
        "or name folders elsewhere by UPDRAFT_CACHE and UPDRAFT_STATE",
    )


@dataclass(frozen=True, slots=True)
class Paths:
    """Where an instance keeps its things.

    Args:
        instance: Its name, [a-z0-9-], 40 characters at most.
        cache: Tools, images and downloads, shared by all instances.
        state: What must outlive a restart of the machine: database, volumes, keys.
        run: What a restart of the machine takes away: sockets, process records, namespaces.
    """

    instance: str
    cache: Path
    state: Path
    run: Path

    @classmethod
    def for_instance(cls, name: str | None = None) -> Paths:
        """The paths of the named instance; else of $INSTANCE; else of this checkout.

        Raises:
            UpdraftError: The name is not one that a node and a cgroup can bear.
        """
        instance = name or os.environ.get("INSTANCE") or default_instance()
        if not re.fullmatch(rf"[a-z0-9]([a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?", instance):
            raise UpdraftError(
                f'"{instance}" is no name for an instance',
                where="INSTANCE",
                fix=f"use at most {LONGEST_NAME} of a-z, 0-9 and -, a letter or digit at each end",
            )
        return cls(
            instance=instance,
            cache=_folder("UPDRAFT_CACHE", ".cache/updraft"),
            state=_folder("UPDRAFT_STATE", ".local/state/updraft") / instance,
            run=RUN_ROOT / instance,
        )

    @property
    def elsewhere(self) -> Path:
        """Its data for who runs PostgreSQL for root, and can't enter root's home.

        Another state with an instance of this name has the same one: see infra/dev/elsewhere.py.
        """
        return DATA_ROOT / self.instance

    @property
    def rendered(self) -> Path:
        """Keys of stacks that are rendered for clusters elsewhere: no `make down` takes them."""
        states = self.state.parent
        return states.with_name(f"{states.name}-rendered") / self.instance

    @property
    def name(self) -> str:
        """What the instance's node, context, network namespace and cgroup are called."""
        return f"updraft-{self.instance}"

    @property
    def link(self) -> str:
        """The host's end of the link to the node: 15 characters at most, as the kernel wants."""
        return f"updraft-{hashlib.sha256(self.instance.encode()).hexdigest()[:7]}"

    @property
    def netns(self) -> Path:
        """The node's network namespace, as `ip netns` names it."""
        return Path("/run/netns") / self.name

    @property
    def mountns(self) -> Path:
        """The node's mount namespace."""
        return self.run / "ns" / "mnt"

    @property
    def state_of_run(self) -> Path:
        """Names the state folder of what runs, which another environment would not find."""
        return self.run / "state"

    def refuse_other_state(self) -> None:
        """Refuse to touch what runs under this name and keeps its state elsewhere.

        Raises:
            UpdraftError: Such a cluster runs.
        """
        try:
            found = Path(self.state_of_run.read_text())
        except OSError:
            return
        if found != self.state and found.is_dir():
            raise UpdraftError(
                f"the cluster that runs as {self.instance} keeps its state in another folder",
                where=f"{found}, and not {self.state}",
                fix=f"UPDRAFT_STATE={found.parent} names it, as the HOME that made it would; "
                "or INSTANCE=other for a cluster beside it",
            )

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Certificates and keys, as kubeadm lays them out."""
        return self.state / "pki"

    @property
    def config(self) -> Path:
        """The node programs' configuration files and kubeconfigs."""
        return self.state / "config"

    @property
    def logs(self) -> Path:
        """The node programs' logs, and the containers'."""
        return self.state / "log"

    @property
    def volumes(self) -> Path:
        """A directory for each persistent volume."""
        return self.state / "volumes"

    @property
    def containerd_root(self) -> Path:
        """What containerd keeps: its images and containers."""
        return self.state / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.run / "containerd.sock"
