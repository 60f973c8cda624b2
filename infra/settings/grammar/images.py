"""Images' references, by the grammar of https://github.com/distribution/reference."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from infra.settings.grammar.text import HIGHEST_PORT, is_port, matching

_PART = r"[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?"
# A first part without a point or a port is a folder's name, but for localhost.
_HOST = rf"(?:localhost|{_PART}(?:\.{_PART})+|{_PART}(?=:))"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?:{_HOST}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"

_tag = matching(_TAG, "a tag: at most 128 of A-Z, a-z, 0-9, _, . and -", 128)
_digest = matching(_DIGEST, "sha256: and 64 of 0-9 and a-f")
_whole = matching(
    rf"{_REPOSITORY}(?::{_TAG}(?:@{_DIGEST})?|@{_DIGEST})",
    "an image such as registry.example.com/data/loki:3.7.0, in lower case, with a tag or a digest",
    512,
)
_name = matching(
    _REPOSITORY, "a repository in lower case, such as registry.example.com:5000/data/airflow"
)


def _repository(value: str) -> str:
    if "://" in value:
        raise ValueError("a repository without a scheme, such as registry.example.com/data/airflow")
    if re.search(r":[^/]*$|@", value):
        raise ValueError("a repository alone: its tag or digest goes to a setting of its own")
    return _with_port(_name(value))


def _image(value: str) -> str:
    return _with_port(_whole(value))


def _with_port(value: str) -> str:
    found = re.match(r"[^/]*:([0-9]+)/", value)
    if found and not is_port(found[1]):
        raise ValueError(f"a registry whose port is between 1 and {HIGHEST_PORT}")
    return value


Tag = Annotated[str, AfterValidator(_tag)]
Digest = Annotated[str, AfterValidator(_digest)]
Repository = Annotated[str, AfterValidator(_repository)]
ImageReference = Annotated[str, AfterValidator(_image)]
