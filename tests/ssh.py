"""Deploy keys and host keys as ssh makes them, new in each run."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@cache
def private_key() -> str:
    """Return a private key in OpenSSH's format."""
    return _private_key(form.PrivateFormat.OpenSSH, form.NoEncryption())


@cache
def locked_keys() -> tuple[str, str]:
    """Return two private keys with a passphrase, of PKCS #8 and the head of one of OpenSSH's."""
    locked = _private_key(form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"a passphrase"))
    head = b"openssh-key-v1\0" + _text(b"aes256-ctr") + _text(b"bcrypt")
    body = base64.b64encode(head).decode()
    kind = "OPENSSH PRIVATE KEY"
    return locked, f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


def _private_key(style: form.PrivateFormat, lock: form.KeySerializationEncryption) -> str:
    return Ed25519PrivateKey.generate().private_bytes(form.Encoding.PEM, style, lock).decode()


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


@cache
def public_key() -> str:
    """Return a key's type and text."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()


def known_hosts(*hosts: str) -> str:
    """Return the lines of known_hosts for hosts, each written as ssh writes it."""
    return "".join(f"{host} {public_key()}\n" for host in hosts)
