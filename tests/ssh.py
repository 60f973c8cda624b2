"""Deploy keys and host keys as ssh makes them, new in each run."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAGIC = b"openssh-key-v1\0"


@cache
def private_key() -> str:
    """Return a private key in OpenSSH's format."""
    return _private_key(form.PrivateFormat.OpenSSH, form.NoEncryption())


@cache
def locked_keys() -> tuple[str, str]:
    """Return two private keys with a passphrase, of PKCS #8 and the head of one of OpenSSH's."""
    locked = _private_key(form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"a passphrase"))
    return locked, _openssh(MAGIC + _text(b"aes256-ctr") + _text(b"bcrypt"))


@cache
def other_private_keys() -> tuple[str, ...]:
    """Return private keys of OpenSSL's formats: RSA and EC, each in its own and in PKCS #8."""
    keys = (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()))
    styles = (form.PrivateFormat.TraditionalOpenSSL, form.PrivateFormat.PKCS8)
    return tuple(
        key.private_bytes(form.Encoding.PEM, style, form.NoEncryption()).decode()
        for key in keys
        for style in styles
    )


@cache
def cut_keys() -> tuple[str, ...]:
    """Return private keys whose texts are cut off, or go on beyond their end."""
    whole = base64.b64decode("".join(private_key().splitlines()[1:-1]))
    cut = [whole[:end] for end in (len(MAGIC), len(MAGIC) + 2, len(MAGIC) + 8, 60, -1)]
    first, *body, last = other_private_keys()[0].splitlines()
    der = base64.b64decode("".join(body))
    spoiled = [base64.b64encode(text).decode() for text in (der[:-1], der + b"x", b"0", b"")]
    return (*map(_openssh, cut), *(f"{first}\n{text}\n{last}" for text in spoiled))


def key_line(kind: str, *fields: bytes) -> str:
    """Return a key's type and text, of whatever fields."""
    blob = b"".join(map(_text, (kind.encode(), *fields)))
    return f"{kind} {base64.b64encode(blob).decode()}"


def _openssh(raw: bytes) -> str:
    body, kind = base64.b64encode(raw).decode(), "OPENSSH PRIVATE KEY"
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


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
