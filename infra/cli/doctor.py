"""Tell what this machine has, what the embedded cluster requires, and how to mend each lack."""

from __future__ import annotations

from infra.cli import choices
from infra.cli.options import DEFAULT_UI_PORT, Options
from infra.local import doctor as machine
from infra.local.paths import Paths

OTHER_WAYS = """\
The embedded cluster needs Linux and root. What works without them:
  make up CONTEXT=<context> REGISTRY=<registry>   on a cluster of yours
  make render STACK=prod                          manifests for GitOps
  make test-fast                                  every check that needs no cluster"""


def doctor(options: Options) -> int:
    """Print found, required and fix for each need; exit code 1 when one is not met."""
    paths = Paths.for_instance(options.instance)
    recorded = choices.read(paths.state)
    port = options.ui_port or (recorded.ui_port if recorded else DEFAULT_UI_PORT)
    checks = machine.checks(paths, port)
    if any(not check.ok for check in checks if check.name in {"system", "user"}):
        print(f"{OTHER_WAYS}\n")
    name = max(len(check.name) for check in checks)
    found = max(len(check.found) for check in checks)
    for check in checks:
        mark = "ok " if check.ok else "NO "
        line = f"{mark} {check.name:<{name}}  found {check.found:<{found}}  needs {check.required}"
        print(line.rstrip())
        if not check.ok:
            print(f"    {'':<{name}}  fix:  {check.fix}")
    lacking = sum(not check.ok for check in checks)
    print(f"{len(checks)} checked, {lacking} to mend" if lacking else f"all {len(checks)} are met")
    return 1 if lacking else 0
