"""Files of settings as hands and scripts spoil them: one to three values of a good one changed."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from infra.settings.stack import read

Path = tuple[str | int, ...]
Config = dict[str, Any]

# What is set besides what the stacks name, so that more kinds of values are changed.
MORE: Config = {
    "scheduling": {
        "nodeSelector": {"pool": "platform"},
        "tolerations": [{"key": "dedicated", "value": "platform", "effect": "NoSchedule"}],
        "storageClass": "fast",
    },
    "links": {
        "pod": "https://pods.example.com/{pod}",
        "podHistory": True,
        "extra": [{"name": "Resources", "url": "https://grafana.example.com/d/pods?p={pod}"}],
    },
    "notifications": {"connectionId": "alerts"},
}
_TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "", " ", "0", "1", "-1", "a", "A", "a b", "a-b", "a.b", "a_b", "a..b", "a/b", "a@b",
            "a\nb", "a\x00b", "a%b", "$HOME", "{{ a }}", "{pod}", "--a", "~", "null", "true", "*",
            "100m", "512m", "512Mi", "1.5Gi", "64", "1e3", "10s", "30d", "1.2.3",
            "https://example.com", "https://example.com/", "https://u:p@example.com", "git@h:p.git",
            "example.com:5000/a/b", "ssh://git@h:22/p.git", "/var/log/pods", "Always", "bundled",
            "none", "operator", "require", "a" * 300, "\u0660", "\u212a", "\ud7ff", "(a", "[a-z]+",
            "a:b", "sha256:" + "a" * 64,
        ]
    ),
)  # fmt: skip
_NUMBERS = st.one_of(
    st.integers(-3, 40), st.sampled_from([10**9, 2**63, 10**23, 0.5, -0.0, 1e300, float("inf")])
)
_FLAT = st.one_of(_TEXT, _NUMBERS, st.booleans(), st.none(), st.just(datetime.date(2026, 1, 31)))
_VALUES = st.one_of(
    _FLAT,
    st.lists(_FLAT, max_size=2),
    st.dictionaries(st.one_of(_TEXT, st.integers(0, 3)), _FLAT, max_size=2),
)


def _paths(value: object, above: Path = ()) -> Iterator[Path]:
    """Every place in a file: of a value, of an object, of a list."""
    if above:
        yield above
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _paths(below, (*above, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _paths(below, (*above, index))


@cache
def _base(stack: str) -> Config:
    return {**read(stack), **MORE}


@st.composite
def spoiled(draw: st.DrawFn) -> Config:
    """A file with one to three values changed, taken away or added."""
    config = copy.deepcopy(_base(draw(st.sampled_from(["local", "prod"]))))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(_paths(config), key=str)))
        place: Any = config
        for key in path[:-1]:
            place = place[key]
        kind = draw(st.sampled_from(["change", "change", "neighbour", "drop", "key"]))
        if kind == "drop":
            del place[path[-1]]
        elif kind == "key" and isinstance(place, dict):
            place[draw(st.one_of(_TEXT, st.integers(0, 3)))] = draw(_VALUES)
        elif kind == "neighbour":
            place[path[-1]] = _nearby(place[path[-1]], draw(st.integers(1, 4)))
        else:
            place[path[-1]] = draw(_VALUES)
        if not config:
            break
    return config


def _nearby(value: object, step: int) -> object:
    """A value much like one of a file: most of these are good."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + step
    if isinstance(value, str) and value[:1].isdigit():
        return f"{step}{value}"
    return f"{value}{step}" if isinstance(value, str) else value
