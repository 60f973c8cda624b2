"""The node's link, configuration and own images are what the kernel and Kubernetes take."""

from __future__ import annotations

import json
import tarfile
import tomllib
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.local import addons, configs, images, network, node
from infra.local.node import NODE_PROGRAMS
from infra.local.paths import Paths
from infra.local.programs import NODE_TOOLS, TOOLS


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths("unit", tmp_path / "cache", tmp_path / "state", tmp_path / "run")


def test_a_link_avoids_every_route_of_the_host() -> None:
    first = network.free_subnet("0", [])
    second = network.free_subnet("0", [first])
    far = network.free_subnet("0", [IPv4Network("10.213.0.0/17")])
    print(first, second, far)
    assert first.prefixlen == 30
    assert not first.overlaps(second)
    assert str(far) == "10.213.128.0/30"


def test_a_host_whose_default_route_is_all_there_is_has_room() -> None:
    assert network.free_subnet("ff", [IPv4Network("0.0.0.0/0")]).subnet_of(network.LINKS)


def test_a_host_without_room_is_told() -> None:
    with pytest.raises(UpdraftError, match="routes to all"):
        network.free_subnet("0", [IPv4Network("10.0.0.0/8")])


def test_ranges_do_not_overlap() -> None:
    ranges = [network.LINKS, *map(IPv4Network, (network.POD_RANGE, network.SERVICE_RANGE))]
    pairs = [(a, b) for a in ranges for b in ranges if a is not b]
    assert pairs
    assert not any(a.overlaps(b) for a, b in pairs)


def test_a_plain_file_is_no_namespace(tmp_path: Path) -> None:
    plain = tmp_path / "netns"
    plain.touch()
    assert network.namespace_id(plain) == ""
    assert network.namespace_id(tmp_path / "missing") == ""


def test_configurations_are_well_formed_and_stay_in_the_instance(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    node.write_configs(paths, address="10.213.0.2", pause="p:1", snapshotter="overlayfs")
    toml = tomllib.loads((paths.config / "containerd.toml").read_text())
    assert Path(toml["root"]).is_relative_to(paths.state)
    assert Path(toml["state"]).is_relative_to(paths.run)
    kubelet = json.loads((paths.config / "kubelet.json").read_text())
    assert kubelet["cgroupRoot"] == "/updraft-unit"
    assert kubelet["protectKernelDefaults"], "else it writes the host's sysctls"
    assert kubelet["imageGCHighThresholdPercent"] == 100, "no image of ours could be pulled again"
    thresholds = kubelet["evictionHard"]
    assert thresholds["nodefs.available"].endswith("Gi"), "a share of a shared disk means nothing"
    proxy = json.loads((paths.config / "kube-proxy.json").read_text())
    assert proxy["conntrack"]["maxPerCore"] == 0, "else it writes the host's sysctls"
    assert sorted(p.name for p in paths.config.rglob("*") if "partial" in p.name) == []


def test_every_program_has_a_name_of_its_own_and_uses_a_built_tool(paths: Paths) -> None:
    built = {name: Path("/tools") / name for name in NODE_TOOLS}
    programs = [
        node.etcd(paths, built),
        node.api_server(paths, built, "10.213.0.2"),
        node.containerd(paths, built),
        node.kubelet(paths, built, "10.213.0.2"),
        *node.controllers(paths, built),
        *node.network_and_storage(paths, built),
        node.forwarder("10.213.0.2", 8080),
        node.log_keeper(paths),
    ]
    assert sorted(p.name for p in programs) == sorted(NODE_PROGRAMS)
    assert set(NODE_TOOLS) <= set(TOOLS)
    outside = [p.name for p in programs if not p.inside]
    assert outside == ["ui-forwarder", "log-keeper"]
    assert not any("unsafe-no-fsync" in word for p in programs for word in p.argv)


@pytest.mark.parametrize(
    ("effective", "expected"), [("000001ffffffffff", True), ("000001fffeffffff", False)]
)
def test_a_host_that_forbids_priorities_is_recognised(effective: str, expected: bool) -> None:
    assert configs.may_raise_priority(f"Name:\tx\nCapEff:\t{effective}\n") is expected


def test_a_programs_image_is_named_by_its_content(tmp_path: Path) -> None:
    binary = tmp_path / "program"
    binary.write_bytes(b"one")
    archive, reference = images.static_archive("pause", binary, "65532:65532", tmp_path)
    again = images.static_archive("pause", binary, "65532:65532", tmp_path)
    binary.write_bytes(b"two")
    _, other = images.static_archive("pause", binary, "65532:65532", tmp_path)
    assert again == (archive, reference)
    assert other != reference
    with tarfile.open(archive) as opened:
        assert sorted(opened.getnames()) == ["config.json", "layer.tar", "manifest.json"]
        manifest = opened.extractfile("manifest.json")
        config = opened.extractfile("config.json")
        assert manifest is not None
        assert config is not None
        assert json.load(manifest)[0]["RepoTags"] == [reference]
        assert json.load(config)["config"]["User"] == "65532:65532"


def test_dns_passes_the_restricted_profile() -> None:
    (deployment,) = [m for m in addons.dns("i:1") if m["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        print(container["name"], container["securityContext"])
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
