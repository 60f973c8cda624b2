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
    r"-----BEGIN (?P<kind>((OPENSSH|RSA|EC|DSA|ENCRYPTED) )?PRIVATE KEY)-----\n"
    r"(?P<body>.*?)\n-----END (?P=kind)-----\s*",
    re.DOTALL | re.ASCII,
)
_MAGIC = b"openssh-key-v1\0"
_MARKERS = ("@cert-authority", "@revoked")
# Of how many fields a public key is made, its type's name among them: RFC 4253, 5656 and 8709, and
# OpenSSH's PROTOCOL.u2f.
_FIELDS = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "ssh-dss": 5,
    **{f"ecdsa-sha2-nistp{bits}": 3 for bits in (256, 384, 521)},
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}
_STANDARD_PORT = 22


class _LockedError(ValueError):
    """A private key has a passphrase."""

    def __init__(self) -> None:
        super().__init__("a private key without a passphrase: nobody is there to type it")


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
    """Return whether a key's text is whole, and of the type that stands before it."""
    try:
        fields = list(_fields(base64.b64decode(blob, validate=True)))
    except (ValueError, binascii.Error):
        return False
    return len(fields) == _FIELDS.get(kind) and all(fields) and fields[0] == kind.encode()


def _fields(raw: bytes) -> Iterator[bytes]:
    """Yield the fields that a text is made of.

    Raises:
        ValueError: the last one is cut off.
    """
    while raw:
        field, raw = _field(raw)
        yield field


def _field(raw: bytes) -> tuple[bytes, bytes]:
    """Return the first field, which has its length before it in four bytes, and what follows.

    Raises:
        ValueError: it is cut off.
    """
    end = 4 + int.from_bytes(raw[:4], "big")
    if len(raw) < end:
        raise ValueError("cut off")
    return raw[4:end], raw[end:]


def _known_hosts(value: str) -> str:
    if all(key.marker == "@revoked" for key in host_keys(value)):
        raise ValueError("at least one line of known_hosts: without it anybody could be the remote")
    return value


def _private_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    match = _KEY.fullmatch(text.lstrip())
    if not match:
        raise ValueError("a whole private key, from its line -----BEGIN to its line -----END")
    if "ENCRYPTED" in match["kind"] or "ENCRYPTED" in match["body"]:
        raise _LockedError
    body = re.sub(r"^[A-Za-z-]+: .*$", "", match["body"], flags=re.MULTILINE)
    try:
        raw = base64.b64decode("".join(body.split()), validate=True)
        if match["kind"].startswith("OPENSSH"):
            _check_openssh(raw)
        else:
            _check_der(raw)
    except _LockedError:
        raise
    except (ValueError, binascii.Error):
        raise ValueError("a whole private key; this one's text is damaged") from None
    # ssh refuses a key whose last line doesn't end, and Pulumi's CLI cuts that end off.
    return SecretStr(text.strip() + "\n")


def _check_openssh(raw: bytes) -> None:
    if not raw.startswith(_MAGIC):
        raise ValueError("another format")
    # Cipher, the passphrase's function and its options, a count of keys, then public and private.
    cipher, rest = _field(raw[len(_MAGIC) :])
    if cipher != b"none":
        raise _LockedError
    _, rest = _field(rest)
    _, rest = _field(rest)
    if len(list(_fields(rest[4:]))) < 2:  # noqa: PLR2004 -- public and private
        raise ValueError("cut off")


def _check_der(raw: bytes) -> None:
    """Check that it is one SEQUENCE of ASN.1, to its end."""
    size = raw[1] & 0x7F if raw[1:2] >= b"\x80" else 0
    length = int.from_bytes(raw[2 : 2 + size] if size else raw[1:2], "big")
    if raw[:1] != b"\x30" or not length or len(raw) != 2 + size + length:
        raise ValueError("cut off")


KnownHosts = Annotated[str, AfterValidator(_known_hosts)]
PrivateKey = Annotated[SecretStr, AfterValidator(_private_key)]
