"""The doctor finds what would stop the cluster, names the way out, and touches nothing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.local import doctor, reachability
from infra.local.cluster import Cluster, refuse_taken
from infra.local.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths("unit", tmp_path / "cache", tmp_path / "state", tmp_path / "run")


@pytest.fixture
def taken() -> int:
    """A port that something else listens on."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port: int = listener.getsockname()[1]
    _LISTENERS.append(listener)
    return port


_LISTENERS: list[socket.socket] = []


def test_each_need_is_told_with_what_was_found(paths: Paths) -> None:
    found = doctor.checks(paths)
    for check in found:
        print(check.name, "|", check.found, "|", check.required, "|", check.ok)
    names = [check.name for check in found]
    assert {"system", "user", "kernel", "cgroups", "memory", "Debian packages"} <= set(names)
    assert any(name.startswith("disk of") for name in names)
    assert any(name.startswith("registry of") for name in names), "tools are to be built"
    assert all(check.found and check.required for check in found)
    assert all(check.fix for check in found if not check.ok)


def test_it_touches_nothing(paths: Paths, tmp_path: Path) -> None:
    doctor.checks(paths)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "BUILD_DISK", 1 << 60)
    (disk,) = [c for c in doctor.checks(paths) if c.name.startswith("disk of")]
    print(disk)
    assert not disk.ok
    assert "UPDRAFT_CACHE" in disk.fix


def test_a_port_in_use_is_told_and_refused(paths: Paths, taken: int) -> None:
    port = doctor.checks(paths, ui_port=taken)[-1]
    print(port)
    assert (port.name, port.ok) == ("port", False)
    assert "UI_PORT" in port.fix
    with pytest.raises(UpdraftError) as caught:
        refuse_taken(taken)
    assert str(taken) in caught.value.what


def test_a_registry_that_does_not_answer_is_told(taken: int) -> None:
    _LISTENERS.pop().close()
    assert "refused" in reachability.fault(f"http://127.0.0.1:{taken}/")
    assert reachability.fault("http://no-such-host.invalid/") != ""
    assert reachability.fault("no address at all") != ""


def test_an_address_is_shown_without_its_secrets() -> None:
    assert reachability.host("https://user:secret@pypi.example:8443/simple?t=1") == (
        "https://pypi.example:8443"
    )


def test_without_root_up_refuses_and_names_what_works(paths: Paths) -> None:
    if os.geteuid() != 0:
        pytest.skip("it is root that is taken away here")
    os.seteuid(65534)
    try:
        with pytest.raises(UpdraftError) as caught:
            Cluster(paths).up(print)
        (user,) = [c for c in doctor._system() if c.name == "user"]
    finally:
        os.seteuid(0)
    print(caught.value)
    assert "root" in caught.value.what
    assert "CONTEXT" in caught.value.fix
    assert not user.ok
    assert "CONTEXT" in user.fix


def test_a_cluster_that_was_never_made_says_so(paths: Paths) -> None:
    cluster = Cluster(paths)
    status = cluster.status()
    assert not status.exists
    assert not status.ready
    assert cluster.ui_port is None
    with pytest.raises(UpdraftError, match="no cluster unit"):
        cluster.node_address  # noqa: B018 - the reading itself is what fails
