"""What mode operator needs of a cluster, asked before anything is deployed to it."""

from __future__ import annotations

import json

from infra.errors import UpdraftError
from infra.kubectl import Kubectl, KubectlError
from infra.settings import Settings
from infra.values.monitoring import operator


def refuse_missing(settings: Settings, kubectl: Kubectl) -> None:
    """Refuse a cluster that doesn't know the kinds of the Prometheus Operator which are needed.

    Raises:
        UpdraftError: It doesn't; they are named.
    """
    if settings.monitoring.mode != "operator":
        return
    needed = {one["kind"] for one in operator.monitors(settings)}
    missing = needed - _kinds(kubectl)
    if missing:
        raise UpdraftError(
            f"the cluster has no definition of {', '.join(sorted(missing))}",
            where=f"context {kubectl.context}: {operator.API}",
            fix="install the Prometheus Operator, or its definitions; "
            "or have Updraft run its own servers: SET='monitoring.mode=bundled'",
        )


def _kinds(kubectl: Kubectl) -> set[str]:
    try:
        found = json.loads(kubectl.run("get", "--raw", f"/apis/{operator.API}"))
    except KubectlError as error:
        # Its API group comes with its definitions.
        if "NotFound" in error.stderr:
            return set()
        raise
    return {one["kind"] for one in found["resources"]}
