"""What several of our programs are made of is of one version, so it is compiled once."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict

from infra.local.paths import Paths
from infra.local.programs import TEST_TOOLS, TOOLS
from infra.local.tools import SOURCES, ToolCache

APART = {TOOLS[name].folder for name in TEST_TOOLS if name != "promtool"}
# Loki is made of an older Prometheus, and breaks with other clients of etcd and of clouds than it
# names: of what it shares with the others only the largest is held to theirs.
ONLY = {
    "loki": (
        "github.com/klauspost/",
        "github.com/prometheus/common",
        "go.opentelemetry.io/collector/",
        "go.opentelemetry.io/otel",
        "golang.org/x/",
        "google.golang.org/grpc",
        "google.golang.org/protobuf",
        "k8s.io/",
        "sigs.k8s.io/",
    )
}
# The collector's own modules are released together, and so are not raised one by one.
OWN = {"collector": ("go.opentelemetry.io/collector/", "github.com/open-telemetry/")}


def required(folder: str) -> dict[str, str]:
    """The versions of the modules that a folder's go.mod names, by module."""
    store = ToolCache(Paths.for_instance().cache)
    told = subprocess.run(
        [store.go(print), "mod", "edit", "-json"],
        cwd=SOURCES / folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = {each["Path"]: each["Version"] for each in json.loads(told)["Require"] or []}
    own, only = OWN.get(folder, ("-",)), ONLY.get(folder, ("",))
    return {k: v for k, v in found.items() if k.startswith(only) and not k.startswith(own)}


def number(version: str) -> tuple[object, ...]:
    """What orders versions: a release comes after what precedes it."""
    match = re.match(r"v(\d+)\.(\d+)\.(\d+)(-[^+]+)?", version)
    assert match, version
    major, minor, patch, rest = match.groups()
    return int(major), int(minor), int(patch), rest is None, rest or ""


def test_shared_modules_have_one_version() -> None:
    versions: dict[str, dict[str, str]] = defaultdict(dict)
    for folder in sorted({tool.folder for tool in TOOLS.values()} - APART):
        for module, version in required(folder).items():
            versions[module][folder] = version
    shared = {module: found for module, found in versions.items() if len(found) > 1}
    print(f"{len(shared)} modules are shared")
    assert len(shared) > 100
    mends = []
    for module, found in shared.items():
        newest = max(found.values(), key=number)
        mends += [
            f"cd tools/{folder} && go mod edit -require={module}@{newest} && go mod tidy"
            for folder, version in found.items()
            if version != newest
        ]
    assert not mends, "\n".join(mends)
