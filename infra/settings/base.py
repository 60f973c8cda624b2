"""What the settings' areas share: the strict frozen model and the checked types of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_FACTORS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip


class Area(BaseModel):
    """A frozen group of settings that refuses what it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=False,
    )


def amount(quantity: str) -> float:
    """Return a Kubernetes quantity in its base unit (cores, bytes or a count).

    Raises:
        ValueError: if it is not a quantity.
    """
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        raise ValueError('a Kubernetes quantity such as "500m", "2" or "1.5Gi"')
    unit = match.group(2) or ""
    return float(quantity.removesuffix(unit)) * _FACTORS[unit]


def _quantity(value: str) -> str:
    if amount(value) <= 0:
        raise ValueError("a quantity greater than 0")
    return value


def _label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit")
    return value


def _name(value: str) -> str:
    if not _DNS_NAME.fullmatch(value):
        raise ValueError("1 to 253 of a-z, 0-9, - and ., beginning and ending with one of a-z 0-9")
    return value


def _one_line(value: str) -> str:
    if not value.strip() or any(ord(character) < 32 for character in value):  # noqa: PLR2004
        raise ValueError("one line of text that is not empty")
    return value


Quantity = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_quantity)]
Label = Annotated[str, AfterValidator(_label)]
ObjectName = Annotated[str, AfterValidator(_name)]
Line = Annotated[str, AfterValidator(_one_line)]
Port = Annotated[int, Field(ge=1, le=65535)]
NodePort = Annotated[int, Field(ge=30000, le=32767)]
Replicas = Annotated[int, Field(ge=1, le=20)]


class Amounts(Area):
    """CPU and memory of one side (requests or limits) of a container."""

    cpu: Quantity = Field(description="Cores.")
    memory: Quantity = Field(description="Bytes.")

    def as_dict(self) -> dict[str, str]:
        """Return the amounts as Kubernetes spells them."""
        return {"cpu": self.cpu, "memory": self.memory}


class Resources(Area):
    """A container's requests and limits; both are needed, or a quota refuses the pod."""

    requests: Amounts = Field(description="What is set aside for it.")
    limits: Amounts = Field(description="What it may take at most.")

    def as_dict(self) -> dict[str, dict[str, str]]:
        """Return the resources as Kubernetes spells them."""
        return {"requests": self.requests.as_dict(), "limits": self.limits.as_dict()}


def resources(requests: tuple[str, str], limits: tuple[str, str]) -> Resources:
    """Return resources from two pairs of (cpu, memory)."""
    return Resources(
        requests=Amounts(cpu=requests[0], memory=requests[1]),
        limits=Amounts(cpu=limits[0], memory=limits[1]),
    )


def sized(requests: tuple[str, str], limits: tuple[str, str]) -> Any:
    """Return the field of a container's resources, with what it gets by default."""

    def make() -> Resources:
        return resources(requests, limits)

    return Field(default_factory=make, description="Requests and limits.")


class Toleration(Area):
    """A toleration, as in a pod's spec."""

    key: Line | None = Field(None, description="Taint's key; every taint if it is not set.")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="How value is compared.")
    value: str | None = Field(None, description="Taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Taint's effect; every effect if it is not set."
    )
    toleration_seconds: int | None = Field(None, description="How long, for NoExecute.")

    def as_dict(self) -> dict[str, object]:
        """Return the toleration as Kubernetes spells it."""
        return self.model_dump(by_alias=True, exclude_none=True)


NodeSelector = Mapping[str, str]
