"""What the settings' areas share: the strict frozen model, and what a pod is given."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from infra.settings.grammar.kubernetes import Cpu, LabelKey, LabelValue, Memory, amount

_NUMBERS_AND_TEXT = {int, float, str}


class Area(BaseModel):
    """A frozen group of settings that refuses what it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=False,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what YAML makes of yes, no, on and off; pydantic would take it for 1 or 0."""
        kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, bool) and kinds & _NUMBERS_AND_TEXT and bool not in kinds:
            wanted = "text" if str in kinds else "a number"
            raise ValueError(f"{wanted}; YAML reads yes, no, on and off without quotes as booleans")
        return value


def _kinds(annotation: Any) -> set[Any]:
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return set().union(*(_kinds(one) for one in get_args(annotation)))
    return {annotation}


Flag = Annotated[bool, Strict()]


class Amounts(Area):
    """CPU and memory of one side (requests or limits) of a container."""

    cpu: Cpu = Field(description="Cores.")
    memory: Memory = Field(description="Bytes.")

    def as_dict(self) -> dict[str, str]:
        """Return the amounts as Kubernetes spells them."""
        return {"cpu": self.cpu, "memory": self.memory}


class Resources(Area):
    """A container's requests and limits; both are needed, or a quota refuses the pod."""

    requests: Amounts = Field(description="What is set aside for it.")
    limits: Amounts = Field(description="What it may take at most.")

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Self:
        for name in ("cpu", "memory"):
            asked, most = getattr(self.requests, name), getattr(self.limits, name)
            if amount(asked) > amount(most):
                raise ValueError(
                    f"requests that are at most limits (here {name}: {asked} above {most})"
                )
        return self

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

    key: LabelKey | None = Field(None, description="Taint's key; every taint if it is not set.")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="How value is compared.")
    value: LabelValue | None = Field(None, description="Taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Taint's effect; every effect if it is not set."
    )
    toleration_seconds: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(
        None, description="How long, for NoExecute."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("no value with operator Exists, which fits every value")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("a key, or operator Exists to tolerate every taint")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError("effect NoExecute where tolerationSeconds is set")
        return self

    def as_dict(self) -> dict[str, object]:
        """Return the toleration as Kubernetes spells it."""
        return self.model_dump(by_alias=True, exclude_none=True)
