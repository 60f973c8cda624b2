"""Hosts, and addresses of the web: complete, and without a login in them."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from infra.settings.grammar.text import is_plain

# RFC 1123, as a certificate or a resolver would have it; the underscore is what some clouds use.
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?"
                   r"(?:\.[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?)*\.?")  # fmt: skip
_ALL_NUMBERS = re.compile(r"[0-9.]+")
_MOST = 65535


def is_host(value: str) -> bool:
    """Return whether it is a host's name or an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return bool(_NAME.fullmatch(value)) and not _ALL_NUMBERS.fullmatch(value)
    return True


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("a host's name or IP address alone: no scheme, port, user or path")
    return value


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not (is_host(host.strip("[]")) and port.isascii() and port.isdigit() and _is_port(port)):
        raise ValueError("a host and a port, such as mail.example.com:587")
    return value


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= _MOST


def _web(value: str) -> str:
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
        raise ValueError("an address whose port is between 1 and 65535")
    return value


def _page(value: str) -> str:
    _web(value)
    if "?" in value or "#" in value or value.endswith("/"):
        raise ValueError("an address without ?, # and a / at its end")
    return value


def _secret_web(value: SecretStr) -> SecretStr:
    _web(value.get_secret_value())
    return value


def _registry(value: str) -> str:
    if not is_host(value):
        _host_and_port(value)
    return value


def _chart(value: str) -> str:
    scheme, _, rest = value.partition("://")
    _web(f"https://{rest}" if scheme == "oci" else value)
    return value


ChartAddress = Annotated[str, AfterValidator(_chart)]
Registry = Annotated[str, AfterValidator(_registry)]
Host = Annotated[str, AfterValidator(_host)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]
# Of a server or a site, to which paths are added.
BaseAddress = Annotated[str, AfterValidator(_page)]
# Whole and secret, as webhooks have them.
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_web)]
