"""YAML as people type it: a mistake is an error with its line, and a key stands once."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml


class DocumentError(ValueError):
    """A text is not YAML, or states a key twice."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, as Pulumi does; PyYAML would drop the first one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping of a node."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen and key != "<<":
                line = key_node.start_mark.line + 1
                raise DocumentError(f'the key "{key}" stands twice (line {line})')
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def parse(text: str) -> Any:
    """Return what a YAML document says.

    Raises:
        DocumentError: it isn't YAML, states a key twice, or holds what JSON doesn't know: a date,
            a set, bytes, or itself.
    """
    try:
        return _plain(yaml.load(text, _Loader), ())  # noqa: S506 -- a SafeLoader
    except DocumentError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(_first_line(error)) from error


def _plain(value: Any, above: tuple[str, ...], around: tuple[int, ...] = ()) -> Any:
    """Return a value of JSON's kinds alone; YAML makes dates, sets and bytes of some texts."""
    if id(value) in around:
        raise DocumentError(f"{'.'.join(above)} holds itself by an alias")
    inside = (*around, id(value))
    if isinstance(value, dict):
        return {key: _plain(each, (*above, str(key)), inside) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, above, inside) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    where = f"{'.'.join(above)}: " if above else ""
    raise DocumentError(f"{where}YAML reads a {type(value).__name__} here; text goes in quotes")


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    told = getattr(error, "problem", None) or str(error).splitlines()[0]
    # What it quotes of the text, beyond a sign, may be a secret.
    told = re.sub(r"(['\"])(?:(?!\1).){3,}\1", "…", told)
    return f"{told} (line {mark.line + 1})" if mark else str(told)
