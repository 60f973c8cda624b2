"""The tasks' quota and the sizes that they can ask for, for Kubernetes and for the package."""

from __future__ import annotations

from decimal import Decimal

from infra.settings import Settings
from infra.settings.grammar.kubernetes import amount

Spec = dict[str, object]

# Where a stack names no sizes: what a task's usual CPU and memory are multiplied by.
_MULTIPLES = {"small": (1, 1), "medium": (2, 4), "large": (4, 16)}


def quota(settings: Settings) -> Spec:
    """Return the ResourceQuota's amounts."""
    chosen = settings.tasks.quota
    hard: Spec = {
        "pods": str(chosen.pods),
        "requests.cpu": chosen.cpu,
        "requests.memory": chosen.memory,
        "limits.memory": chosen.memory,
    }
    if chosen.ephemeral_storage:
        hard["requests.ephemeral-storage"] = chosen.ephemeral_storage
    return {"hard": hard}


def options(settings: Settings) -> dict[str, object]:
    """Return the options of the section [updraft], before they become JSON."""
    tasks = settings.tasks
    return {
        "task_quota": quota(settings)["hard"],
        "task_sizes": sizes(settings),
        # A pod's own node selector and tolerations replace the template's.
        "task_spot": {
            "nodeSelector": {**tasks.node_selector, **tasks.spot.node_selector},
            "tolerations": [
                each.as_dict() for each in (*tasks.tolerations, *tasks.spot.tolerations)
            ],
        },
    }


def sizes(settings: Settings) -> dict[str, dict[str, dict[str, str]]]:
    """Return {name: resources}: the stack's, or multiples of a task's own that fit the quota."""
    tasks = settings.tasks
    if tasks.sizes:
        return {name: size.as_dict() for name, size in tasks.sizes.items()}
    requests, limits, quota = tasks.resources.requests, tasks.resources.limits, tasks.quota
    return {
        name: {
            "requests": {
                "cpu": _times(requests.cpu, cpu, quota.cpu),
                "memory": _times(requests.memory, memory, quota.memory),
            },
            # No quota bounds the limits of CPU.
            "limits": {
                "cpu": _times(limits.cpu, cpu),
                "memory": _times(limits.memory, memory, quota.memory),
            },
        }
        for name, (cpu, memory) in _MULTIPLES.items()
    }


def _times(quantity: str, factor: int, most: str | None = None) -> str:
    number = quantity.rstrip("kMGTPmi")
    product = f"{Decimal(number) * factor:f}{quantity.removeprefix(number)}"
    return min(product, most or product, key=amount)
