"""Hosts, and addresses of the web: complete, and without a login in them."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from infra.settings.grammar.text import HIGHEST_PORT, is_plain, is_port

# RFC 1123, as a certificate or a resolver would have it; the underscore is what some clouds use.
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?"
                   r"(?:\.[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?)*\.?")  # fmt: skip
_ALL_NUMBERS = re.compile(r"[0-9.]+")
_HOST_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):([0-9]+)")


def is_host(value: str) -> bool:
    """Return whether it is a host's name or an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return bool(_NAME.fullmatch(value)) and not _ALL_NUMBERS.fullmatch(value)
    # A zone, as in fe80::1%eth0, is one machine's own.
    return "%" not in value


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("a host's name or IP address alone: no scheme, port, user or path")
    return value


def _host_and_port(value: str) -> str:
    match = _HOST_AND_PORT.fullmatch(value)
    if not (match and is_host(match[1] or match[2]) and is_port(match[3])):
        raise ValueError("a host and a port, such as mail.example.com:587")
    return value


def web(value: str) -> str:
    """Return an address of the web that is complete and holds no login.

    Raises:
        ValueError: it is something else; says what is allowed.
    """
    example = "such as https://airflow.example.com or http://loki.logging:3100"
    if not value.isascii() or not is_plain(value) or re.search(r"[\s\"'<>\\^`{|}]", value):
        raise ValueError(f"an http(s) address, {example}, without blanks or quotes")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"an http(s) address, {example}") from None
    if parts.scheme not in ("http", "https") or not is_host(parts.hostname or ""):
        raise ValueError(f"an http(s) address with a host, {example}")
    if "@" in parts.netloc:
        raise ValueError("an address without user or password: it is shown to people and stored")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"an address whose port is between 1 and {HIGHEST_PORT}")
    return value


def _page(value: str) -> str:
    web(value)
    # airflow.cfg would expand the last two.
    if re.search(r"[?#%$]|/$", value):
        raise ValueError("an address without ?, #, %, $ and a / at its end")
    return value


def _secret_web(value: SecretStr) -> SecretStr:
    web(value.get_secret_value())
    return value


def _registry(value: str) -> str:
    if not is_host(value):
        _host_and_port(value)
    return value


def _chart(value: str) -> str:
    scheme, _, rest = value.partition("://")
    web(f"https://{rest}" if scheme == "oci" else value)
    return value


ChartAddress = Annotated[str, AfterValidator(_chart)]
Registry = Annotated[str, AfterValidator(_registry)]
Host = Annotated[str, AfterValidator(_host)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
# Of a server or a site, to which paths are added.
BaseAddress = Annotated[str, AfterValidator(_page)]
# Whole and secret, as webhooks have them.
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_web)]
