"""A platform as a cluster knows it: by its name, and by the namespaces that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.settings.cluster import Namespaces
from infra.values import names


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose objects are made, changed and deleted, and nobody else's.

    Args:
        platform: The value of the label that all of them bear.
        namespaces: The control plane's, the tasks' and monitoring's.
        creates: Whether the namespaces are the platform's own.
    """

    platform: str
    namespaces: tuple[str, str, str]
    creates: bool = True

    @classmethod
    def of(cls, config: Mapping[str, object]) -> Owner:
        """Return the owner by a stack's settings.

        They are read without being checked as a whole: an older platform, whose settings would be
        refused by now, must yet be found and removed.
        """
        spaces = {**Namespaces().model_dump(), **_area(config, "namespaces")}
        return cls(
            platform=str(_area(config, "platform")["name"]),
            namespaces=(str(spaces["airflow"]), str(spaces["tasks"]), str(spaces["monitoring"])),
            creates=bool(spaces["create"]),
        )

    @property
    def home(self) -> str:
        """The control plane's namespace, which keeps the inventory."""
        return self.namespaces[0]

    @property
    def label(self) -> dict[str, str]:
        """What everything that it makes bears."""
        return {names.OWNER: self.platform}


def _area(config: Mapping[str, object], name: str) -> Mapping[str, object]:
    area = config.get(name)
    return area if isinstance(area, Mapping) else {}
