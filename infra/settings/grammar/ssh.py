"""ssh's files: a private key that needs no passphrase, and the lines of known_hosts.

Sources: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; OpenSSH's PROTOCOL.key.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, SecretStr

_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----\s+(?P<body>.*?)\s+-----END (?P=kind)-----\s*",
    re.DOTALL | re.ASCII,
)
_MAGIC = b"openssh-key-v1\0"
_MARKERS = ("@cert-authority", "@revoked")
_TYPE = re.compile(r"(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-sha2-)[a-z0-9@.-]+", re.ASCII)
_STANDARD_PORT = 22


class HostKey(NamedTuple):
    """A line of known_hosts."""

    marker: str
    patterns: str
    kind: str


def host_keys(text: str) -> Iterator[HostKey]:
    """Yield the lines of a known_hosts file that name a key.

    Raises:
        ValueError: a line is none, with its number.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0] in _MARKERS else ""
        if len(words) < 3 or not _is_key(words[1], words[2]):  # noqa: PLR2004
            raise ValueError(
                f"lines of known_hosts, each with hosts, a key's type and the key (ssh-keyscan "
                f"prints them); line {number} is none"
            )
        yield HostKey(marker, words[0], words[1])


def knows(text: str, host: str, port: int) -> bool:
    """Return whether a known_hosts file has a key, not revoked, for a host.

    Of a port of its own ssh looks for the host without it, too.
    """
    names = [host.lower()]
    if port != _STANDARD_PORT:
        names.append(f"[{host.lower()}]:{port}")
    return any(
        key.marker != "@revoked" and any(_fits(key.patterns, name) for name in names)
        for key in host_keys(text)
    )


def _fits(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _hashed(patterns, name)
    each = patterns.lower().split(",")
    refused = any(one.startswith("!") and _like(one[1:], name) for one in each)
    return not refused and any(_like(one, name) for one in each)


def _like(pattern: str, name: str) -> bool:
    # ssh knows * and ? alone; a bracket is the one around a host with a port.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hashed(pattern: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), hashlib.sha1), digest)


def _is_key(kind: str, blob: str) -> bool:
    """Return whether a key's text begins with the type that stands before it."""
    if not _TYPE.fullmatch(kind):
        return False
    begins = len(kind).to_bytes(4, "big") + kind.encode()
    characters = (len(begins) * 8 + 5) // 6
    expected = base64.b64encode(begins).decode()[: len(begins) * 8 // 6]
    return len(blob) > characters and blob.startswith(expected)


def _known_hosts(value: str) -> str:
    if not list(host_keys(value)):
        raise ValueError("at least one line of known_hosts: without it anybody could be the remote")
    return value


def _private_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    match = _KEY.fullmatch(text.lstrip())
    if not match:
        raise ValueError("a whole private key, from its line -----BEGIN to its line -----END")
    if "ENCRYPTED" in match["kind"] or "ENCRYPTED" in match["body"] or _has_passphrase(match):
        raise ValueError("a private key without a passphrase: nobody is there to type it")
    # ssh refuses a key whose last line doesn't end, and Pulumi's CLI cuts that end off.
    return SecretStr(text.strip() + "\n")


def _has_passphrase(key: re.Match[str]) -> bool:
    if key["kind"] != "OPENSSH PRIVATE KEY":
        return False
    try:
        raw = base64.b64decode("".join(key["body"].split()), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("a whole private key; this one's text is damaged") from None
    if not raw.startswith(_MAGIC):
        raise ValueError("a whole private key; this one's text is damaged")
    length = int.from_bytes(raw[len(_MAGIC) : len(_MAGIC) + 4], "big")
    return raw[len(_MAGIC) + 4 :][:length] != b"none"


KnownHosts = Annotated[str, AfterValidator(_known_hosts)]
PrivateKey = Annotated[SecretStr, AfterValidator(_private_key)]
