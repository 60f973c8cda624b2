"""What null takes out of a stack's file: a key that there is, or it would be without effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.settings import Settings, refusal
from infra.settings.faults import unknown
from infra.settings.walk import annotation_at, keys_at

Path = tuple[str, ...]


def refuse_unknown(overrides: Mapping[str, object]) -> None:
    """Refuse nulls for what is no setting; a value there is refused once it is loaded.

    Raises:
        UpdraftError: naming every such key.
    """
    wrong = [path for removed in _removed(overrides) for path in _wrong(removed)]
    faults = [unknown(Settings, path) for path in wrong]
    if faults:
        raise refusal(faults)


def _removed(overrides: Mapping[str, object], above: Path = ()) -> Iterator[Path]:
    for key, value in overrides.items():
        path = (*above, str(key))
        if value is None:
            yield path
        elif isinstance(value, Mapping):
            yield from _removed(value, path)


def _wrong(path: Path) -> Iterator[Path]:
    """Yield as much of a path as there is no setting for, if any."""
    for end in range(1, len(path) + 1):
        keys = keys_at(Settings, path[: end - 1])
        if path[end - 1] not in keys if keys else annotation_at(Settings, path[:end]) is None:
            yield path[:end]
            return
