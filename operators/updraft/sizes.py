"""Gives a task's pod its size, and refuses one that the quota of the tasks could never hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from updraft import settings
from updraft.errors import ConfigurationError, SizeRefusedError

if TYPE_CHECKING:
    from kubernetes.client.models import V1Pod, V1Volume

# Where a pod has its scratch volume, and where Python's `tempfile` then puts its files.
SCRATCH = "/scratch"

_EPHEMERAL = "ephemeral-storage"
_VOLUME = "scratch"
# What Airflow calls the container that runs the task.
_CONTAINER = "base"
Amounts = Mapping[str, str]
Resources = Mapping[str, Amounts]
# For an installation without the platform, such as an author's laptop: the platform's defaults.
_SIZES: Mapping[str, Resources] = {
    "small": {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "512Mi"},
    },
    "medium": {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    },
    "large": {
        "requests": {"cpu": "1", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    },
}


def task_size(
    name: str = "small",
    *,
    cpu: str | None = None,
    memory: str | None = None,
    spot: bool = False,
    scratch: str | None = None,
) -> dict[str, Any]:
    """Return the `executor_config` of a task that needs another pod than the usual one.

    What the sizes are is the platform's setting `updraft:tasks.sizes`. A pod that could never fit
    into the tasks' quota is refused when the DAG is parsed, so that the UI shows it as an error of
    the DAG; one that fits, but not now, waits.

    Args:
        name: "small", "medium", "large", or another of the platform's sizes.
        cpu: Cores to set aside in place of the size's, such as "500m" or "2".
        memory: Memory in place of the size's, such as "6Gi"; set aside, and the limit.
        spot: Whether it may run on nodes that vanish, where the platform has any. Give the task
            retries, since it fails with its node.
        scratch: Size of an empty volume such as "20Gi", at SCRATCH as long as the pod lives.
            `tempfile` uses it.

    Raises:
        ConfigurationError: There is no such size, or an amount is no quantity of Kubernetes.
        SizeRefusedError: It is more than the whole quota.

    Example:
        >>> config = task_size("medium", memory="6Gi", scratch="20Gi")
        >>> config["pod_override"].spec.containers[0].resources.limits["memory"]
        '6Gi'
    """
    given = {"cpu": cpu, "memory": memory, "scratch": scratch}
    amounts = {key: amount for key, amount in given.items() if amount is not None}
    words = [repr(name), *(f"{key}={amount!r}" for key, amount in amounts.items())]
    call = f"task_size({', '.join(words)})"
    for amount in amounts.values():
        if not _number(amount, call):
            raise _no_amount(amount, call)
    requests, limits = _sized(name, cpu, memory, call)
    storage_class = settings.text("task_scratch_storage_class")
    if scratch and not storage_class:
        requests[_EPHEMERAL] = scratch
    refuse_above_quota([{"requests": requests, "limits": limits}], call)
    return {"pod_override": _pod(requests, limits, spot, scratch, storage_class)}


def refuse_above_quota(containers: Iterable[Resources], where: str) -> None:
    """Raise an error if a pod of these containers is more than the tasks' whole quota.

    Args:
        containers: The resources of each.
        where: What asks for them.

    Raises:
        ConfigurationError: An amount is no quantity of Kubernetes.
        SizeRefusedError: It is more, by the ResourceQuota's own rules.
    """
    asked: dict[str, list[str]] = {}
    for container in containers:
        for side, amounts in container.items():
            for resource, amount in amounts.items():
                asked.setdefault(f"{side}.{resource}", []).append(amount)
    quota = settings.json_object("task_quota")
    for name, given in asked.items():
        total = sum(_number(amount, where) for amount in given)
        if name in quota and total > _number(quota[name], "[updraft] task_quota"):
            raise SizeRefusedError(
                f"the pod asks for {' + '.join(given)} of {name}, and the quota of all tasks "
                f"together is {quota[name]}",
                where=where,
                fix="ask for less, such as by working in more and smaller pieces (see "
                "updraft.patterns), or have the platform's setting updraft:tasks.quota raised",
            )


def _sized(
    name: str, cpu: str | None, memory: str | None, call: str
) -> tuple[dict[str, str], dict[str, str]]:
    sizes = settings.json_object("task_sizes") or _SIZES
    if name not in sizes:
        known = sorted(sizes, key=lambda each: _number(sizes[each]["limits"]["memory"], call))
        raise ConfigurationError(
            f'there is no size "{name}" for a task',
            where=call,
            fix=f"use one of {', '.join(known)}; the platform's setting updraft:tasks.sizes adds "
            "another",
        )
    requests, limits = dict(sizes[name]["requests"]), dict(sizes[name]["limits"])
    if memory:
        requests["memory"] = limits["memory"] = memory
    if cpu:
        requests["cpu"] = cpu
        limits["cpu"] = max(cpu, limits["cpu"], key=lambda amount: _number(amount, call))
    return requests, limits


def _pod(
    requests: Amounts, limits: Amounts, spot: bool, scratch: str | None, storage_class: str
) -> V1Pod:
    from kubernetes.client import models  # noqa: PLC0415 -- 0.3 s

    container = models.V1Container(
        name=_CONTAINER,
        resources=models.V1ResourceRequirements(requests=dict(requests), limits=dict(limits)),
    )
    spec = models.V1PodSpec(containers=[container])
    if spot:
        nodes = settings.json_object("task_spot")
        spec.node_selector = nodes.get("nodeSelector")
        spec.tolerations = nodes.get("tolerations")
    if scratch:
        container.volume_mounts = [models.V1VolumeMount(name=_VOLUME, mount_path=SCRATCH)]
        container.env = [models.V1EnvVar(name="TMPDIR", value=SCRATCH)]
        spec.volumes = [_volume(scratch, storage_class)]
    return models.V1Pod(spec=spec)


def _volume(scratch: str, storage_class: str) -> V1Volume:
    from kubernetes.client import models  # noqa: PLC0415 -- 0.3 s

    if not storage_class:
        return models.V1Volume(
            name=_VOLUME, empty_dir=models.V1EmptyDirVolumeSource(size_limit=scratch)
        )
    claim = models.V1PersistentVolumeClaimSpec(
        access_modes=["ReadWriteOnce"],
        storage_class_name=storage_class,
        resources=models.V1VolumeResourceRequirements(requests={"storage": scratch}),
    )
    template = models.V1PersistentVolumeClaimTemplate(spec=claim)
    source = models.V1EphemeralVolumeSource(volume_claim_template=template)
    return models.V1Volume(name=_VOLUME, ephemeral=source)


def _number(amount: object, where: str) -> Decimal:
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 -- 0.3 s

    try:
        number = Decimal(parse_quantity(amount))
    except ValueError as error:
        raise _no_amount(amount, where) from error
    if not number.is_finite() or number < 0:
        raise _no_amount(amount, where)
    return number


def _no_amount(amount: object, where: str) -> ConfigurationError:
    return ConfigurationError(
        f"not an amount: {amount!r}",
        where=where,
        fix='write a quantity of Kubernetes greater than 0, such as "500m", "2" or "1.5Gi"',
    )
