"""git's remotes, refs, deploy keys and known hosts, as git and ssh read them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from infra.settings.grammar.addresses import is_host
from infra.settings.grammar.text import is_plain

_SCP = re.compile(r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@(?P<host>[^:/@\s]+):(?P<path>[^\s:]+)")
_SCP_LIKE = re.compile(r"(?:[^@/]+@)?([^:/]+):")
_PORTS = {"http": 80, "https": 443, "ssh": 22}
_REMOTE = (
    "a remote such as https://git.example.com/data/dags.git, git@git.example.com:data/dags.git or "
    "ssh://git@git.example.com:2222/data/dags.git"
)


def address_of(remote: str) -> tuple[str, int]:
    """The host and port of a git remote, such as https://host/x.git or git@host:x.git."""
    parts = urlsplit(remote)
    if parts.scheme in _PORTS and parts.hostname:
        return parts.hostname, parts.port or _PORTS[parts.scheme]
    found = _SCP_LIKE.match(remote)
    return (found[1] if found else remote), _PORTS["ssh"]


def _remote(value: str) -> str:
    if not value.isascii() or not is_plain(value) or re.search(r"[\s\"'<>\\`]", value):
        raise ValueError(_REMOTE)
    if "://" in value:
        return _by_address(value)
    match = _SCP.fullmatch(value)
    if not match or not is_host(match["host"]) or match["path"].startswith("-"):
        raise ValueError(_REMOTE)
    if re.match(r"[0-9]{1,5}/", match["path"]):
        raise ValueError(
            "a port only with ssh://, as in ssh://git@git.example.com:2222/data/dags.git: here it "
            "would be a folder"
        )
    return value


def _by_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(_REMOTE) from None
    known = value.startswith(("http://", "https://", "ssh://"))
    if not known or not is_host(parts.hostname or "") or (parts.username or "").startswith("-"):
        raise ValueError(_REMOTE)
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise ValueError(
            "a remote without a login in it: an https one has dags.credentials, an ssh one "
            "dags.ssh and at most a user"
        )
    if port == 0 or parts.netloc.endswith(":") or not parts.path.strip("/"):
        raise ValueError(_REMOTE)
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError("a remote without ? and #: a branch, tag or commit goes to dags.ref")
    return value


def _ref(value: str) -> str:
    """Check a ref by git-check-ref-format(1), and that it can't be taken for an option."""
    parts = value.split("/")
    wrong = (
        not value
        or len(value) > 200  # noqa: PLR2004
        or not is_plain(value)
        or re.search(r"[\s~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$", value)
        or value.startswith(("-", "+"))
        or value == "@"
        or any(part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if wrong:
        raise ValueError(
            "a branch, tag or commit as git names them, without blanks, .., ~, ^, :, ?, *, [ and "
            "\\, and not beginning with -"
        )
    return value


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if not value.strip() or not is_plain(value) or value != value.strip() or "%" in value:
        raise ValueError("a folder's path of one line, without %; . is the whole repository")
    if path.is_absolute() or ".." in path.parts or ".git" in value.lower().split("/"):
        raise ValueError("a folder inside the repository, relative and without .. or .git")
    if value != str(path):
        raise ValueError("a folder written plainly, without //, . beside others and a / at its end")
    return value


GitRemote = Annotated[str, AfterValidator(_remote)]
GitRef = Annotated[str, AfterValidator(_ref)]
Folder = Annotated[str, AfterValidator(_inside)]
