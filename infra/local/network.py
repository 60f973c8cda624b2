"""The node's network namespace, and the one link by which the host reaches it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UpdraftError
from infra.local.paths import Paths
from infra.local.shell import run

# Links of instances take /30s from here. Pods and services have ranges that only the node knows.
LINKS = ipaddress.IPv4Network("10.213.0.0/16")
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
DNS_ADDRESS = "10.96.0.10"


def _taken() -> list[ipaddress.IPv4Network]:
    routes = json.loads(run("ip", "-j", "-4", "route", "show", "table", "all") or "[]")
    found = []
    for route in routes:
        destination = route.get("dst", "default")
        if destination != "default":
            found.append(ipaddress.IPv4Network(destination, strict=False))
    return found


def free_subnet(
    seed: str, taken: Iterable[ipaddress.IPv4Network] | None = None
) -> ipaddress.IPv4Network:
    """A /30 for an instance's link that the host has no route to.

    Args:
        seed: Hex digits that make the first choice, so that instances spread.
        taken: Networks in use; the host's routes when not given.

    Raises:
        UpdraftError: Every one is taken.
    """
    used = [n for n in (_taken() if taken is None else taken) if n.prefixlen > 0]
    subnets = list(LINKS.subnets(new_prefix=30))
    start = int(seed, 16) % len(subnets)
    for subnet in subnets[start:] + subnets[:start]:
        if not any(subnet.overlaps(other) for other in used):
            return subnet
    raise UpdraftError(f"the host has routes to all of {LINKS}", fix="remove what is not in use")


def host_address(subnet: ipaddress.IPv4Network) -> str:
    """The host's end of the link."""
    return str(subnet[1])


def node_address(subnet: ipaddress.IPv4Network) -> str:
    """The node's end of the link, which is the node's address."""
    return str(subnet[2])


def namespace_id(file: Path) -> str:
    """What tells one namespace from another: its inode; empty if there is none."""
    try:
        status = file.stat()
    except OSError:
        return ""
    # A namespace file that nothing is mounted on is a plain one of /run's own file system.
    return str(status.st_ino) if status.st_dev != file.parent.stat().st_dev else ""


def inside(paths: Paths, *argv: str) -> str:
    """Run a program in the node's network namespace."""
    return run("nsenter", f"--net={paths.netns}", "--", *argv)


def _link_is_up(paths: Paths, subnet: ipaddress.IPv4Network) -> bool:
    shown = run("ip", "-j", "-4", "address", "show", "dev", paths.link, check=False)
    if host_address(subnet) not in shown:
        return False
    peer = inside(paths, "ip", "-j", "-4", "address", "show", "dev", "eth0")
    return node_address(subnet) in peer and '"UP"' in peer


def ensure(paths: Paths, subnet: ipaddress.IPv4Network) -> None:
    """Make the namespace and the link, or what is missing of them."""
    if not namespace_id(paths.netns):
        paths.netns.unlink(missing_ok=True)
        run("ip", "netns", "add", paths.name)
    inside(paths, "ip", "link", "set", "lo", "up")
    # Written inside, it is the namespace's own: the host goes on as it was.
    inside(paths, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    try:
        if _link_is_up(paths, subnet):
            return
    except UpdraftError:
        pass  # the namespace has no eth0 yet
    run("ip", "link", "delete", paths.link, check=False)
    peer = ("peer", "name", "eth0", "netns", paths.name)
    run("ip", "link", "add", paths.link, "type", "veth", *peer)
    inside(paths, "ip", "address", "add", f"{node_address(subnet)}/30", "dev", "eth0")
    inside(paths, "ip", "link", "set", "eth0", "up")
    # There is no way out; said so at once, a wrong address fails fast in place of timing out.
    inside(paths, "ip", "route", "replace", "unreachable", "default")
    run("ip", "address", "add", f"{host_address(subnet)}/30", "dev", paths.link)
    run("ip", "link", "set", paths.link, "up")


def remove(paths: Paths) -> None:
    """Delete the link and the namespace, if they are there."""
    run("ip", "link", "delete", paths.link, check=False)
    if namespace_id(paths.netns):
        run("ip", "netns", "delete", paths.name)
    paths.netns.unlink(missing_ok=True)
