"""YAML as people type it: a mistake is told with its line, keys stand once, numbers are decimal."""

from __future__ import annotations

import re
from typing import Any

import yaml

from infra.settings.hidden import shown

_TAG = "tag:yaml.org,2002:"
_NUMBERS = {f"{_TAG}int", f"{_TAG}float"}
# Of these the settings tell that they are no text, too.
_KEYS = {*_NUMBERS, f"{_TAG}str", f"{_TAG}bool", f"{_TAG}null"}
_KINDS = {"timestamp": "a date", "seq": "a list", "map": "an object", "binary": "bytes"}
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# What is no number of a notation, and refused by each setting that takes numbers.
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
# Up to the text's end where it isn't closed, so that nothing which is quoted is left.
_QUOTED = re.compile(r"(['\"])((?:[^\\]|\\.)*?)(?:\1|$)", re.DOTALL)
# PyYAML's names for what it reads, such as <block end>.
_TOKEN = re.compile(r"<[a-z ]+>")
_SIGN = 2


class DocumentError(ValueError):
    """A text is not YAML, states a key twice, or would be read otherwise than it looks."""


def parse(text: str) -> Any:
    """Return what a YAML document says.

    Raises:
        DocumentError: it isn't YAML, states a key twice, holds a number that isn't decimal, or
            what JSON doesn't know: a date, a set, bytes, or itself.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            # Before it is made into values, when what YAML merges looks like a double key.
            _check(node, (), set())
            return _plain(loader.construct_document(node), ())
        finally:
            loader.dispose()
    except DocumentError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(_first_line(error)) from error


def _check(node: yaml.Node, above: tuple[str, ...], seen: set[int]) -> None:
    """Refuse, in a tree as it was written, double keys, dates and odd numbers."""
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, above)
        for key, value in node.value:
            _check(key, above, seen)
            _check(value, (*above, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _check(each, above, seen)
    elif told := _wrong(node):
        raise DocumentError(f"{_where(above)}{told}{_line(node)}")


def _wrong(node: yaml.Node) -> str:
    """Return why a value is refused, if it is; not the value, which may be a password."""
    number = _DECIMAL.fullmatch(node.value) or _NOT_FINITE.fullmatch(node.value)
    if node.tag in _NUMBERS and not number:
        return f"found {_notation(node.value)}; allowed: a decimal number, or text in quotes"
    if node.tag == f"{_TAG}timestamp":
        return "YAML reads a date here; text goes in quotes"
    if node.tag == f"{_TAG}bool" and node.value.lower() not in yaml.SafeLoader.bool_values:
        return "found text that is tagged as a boolean; allowed: true or false"
    return ""


def _check_keys(node: yaml.MappingNode, above: tuple[str, ...]) -> None:
    keys: set[str] = set()
    for key, _ in node.value:
        if key.tag == f"{_TAG}merge":
            continue
        if key.tag not in _KEYS:
            kind = _KINDS.get(key.tag.removeprefix(_TAG), "something else")
            raise DocumentError(
                f"{_where(above)}YAML reads {kind} as a key here; text goes in quotes{_line(key)}"
            )
        if key.value in keys:
            raise DocumentError(f'the key "{shown(key.value)}" stands twice{_line(key)}')
        keys.add(key.value)


def _notation(text: str) -> str:
    """Return how a number is written."""
    digits = text.lstrip("+-").lower()
    if ":" in digits:
        return "a number that holds colons, which YAML 1.1 reads by sixties"
    if digits.startswith(("0x", "0b")):
        return f"a number that begins with {digits[:2]}"
    if digits.startswith("0") and digits.isdigit():
        return "a number that begins with 0, which YAML 1.1 reads as octal"
    return "a number that is written otherwise"


def _plain(value: Any, above: tuple[str, ...], around: tuple[int, ...] = ()) -> Any:
    """Return a value of JSON's kinds alone; YAML makes sets and bytes of some texts."""
    if id(value) in around:
        raise DocumentError(f"{_where(above)}it holds itself by an alias")
    inside = (*around, id(value))
    if isinstance(value, dict):
        return {key: _plain(each, (*above, str(key)), inside) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, above, inside) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise DocumentError(
        f"{_where(above)}YAML reads a {type(value).__name__} here; text goes in quotes"
    )


def _where(above: tuple[str, ...]) -> str:
    return f"{'.'.join(map(shown, above))}: " if above else ""


def _line(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})"


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    told = getattr(error, "problem", None) or str(error).splitlines()[0]
    told = _QUOTED.sub(_without_text, told)
    return f"{told} (line {mark.line + 1})" if mark else str(told)


def _without_text(match: re.Match[str]) -> str:
    """Hide what a message quotes of the text, which may be a secret, beyond a sign."""
    whole, quoted = match[0], match[2]
    return whole if len(quoted) <= _SIGN or _TOKEN.fullmatch(quoted) else "…"
