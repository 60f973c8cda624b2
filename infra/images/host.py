"""How this host reaches its package indexes, handed to a build as secrets that no layer keeps."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra import versions
from infra.images import npm

INSIDE_CA = "/run/secrets/ca"
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_INDEX = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
)
# Of apt's settings those that say how to reach a mirror; a path of the host's means nothing inside.
_APT = re.compile(r'^(Acquire::(?:https?::|Check-|Retries|ForceIPv)[^ ]*) "([^"]*)";$')


def secrets(folder: Path) -> dict[str, Path]:
    """Write the host's settings to files of a folder, and return them by secret's name.

    `ca`: the CA bundle; `index`: variables for pip and uv; `apt`: its configuration; `npmrc`:
    npm's; `sources`: the mirrors, where the host tells any.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found: dict[str, Path] = {}
    bundle = ca_bundle()
    if bundle:
        found["ca"] = bundle
    sources = debian_sources()
    texts = {
        "index": "".join(f"{k}={shlex.quote(v)}\n" for k, v in index(bundle is not None).items()),
        "apt": apt_configuration(bundle is not None, sources=bool(sources)),
        "npmrc": npm.settings(INSIDE_CA if bundle else None),
    }
    if sources:
        texts["sources"] = "\n".join(sources) + "\n"
    for name, text in texts.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        found[name] = path
    return found


def ca_bundle(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The host's CA bundle: by variable, else by pip's settings, else the system's."""
    named = [environment.get(variable, "") for variable in _CA_VARIABLES]
    named += [
        _pip_settings(environment).get("cert", ""),
        ssl.get_default_verify_paths().cafile or "",
    ]
    for candidate in (*named, *_CA_FILES):
        path = Path(candidate)
        if candidate and path.is_file() and path.stat().st_size:
            return path.resolve()
    return None


def index(bundle: bool, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables by which pip and uv find the index inside a build.

    Args:
        bundle: Whether a CA bundle is given along.
        environment: The host's variables.
    """
    settings = _pip_settings(environment)
    variables = {
        f"PIP_{key.replace('-', '_').upper()}": " ".join(settings[key].split())
        for key in ("index-url", "extra-index-url", "trusted-host")
        if settings.get(key)
    }
    for name in (*_INDEX, *_PROXIES, *(proxy.lower() for proxy in _PROXIES)):
        if environment.get(name):
            variables[name] = environment[name]
    if "PIP_INDEX_URL" in variables:
        variables.setdefault("UV_DEFAULT_INDEX", variables["PIP_INDEX_URL"])
    if "PIP_EXTRA_INDEX_URL" in variables:
        variables.setdefault("UV_INDEX", variables["PIP_EXTRA_INDEX_URL"])
    if "PIP_TRUSTED_HOST" in variables:
        variables.setdefault("UV_INSECURE_HOST", variables["PIP_TRUSTED_HOST"])
    if bundle:
        variables |= {"PIP_CERT": INSIDE_CA, "SSL_CERT_FILE": INSIDE_CA}
    return variables


def apt_configuration(bundle: bool, *, sources: bool = True) -> str:
    """The configuration by which apt reaches the mirrors inside a build.

    Args:
        bundle: Whether a CA bundle is given along.
        sources: Whether a list of mirrors is given along.
    """
    lines = ['APT::Sandbox::User "root";', 'Acquire::Retries "3";', *_host_apt_settings()]
    if sources:
        lines += [
            'Dir::Etc::SourceList "/run/secrets/sources";',
            'Dir::Etc::SourceParts "/dev/null";',
        ]
    if bundle:
        lines.append(f'Acquire::https::CAInfo "{INSIDE_CA}";')
    return "\n".join(lines) + "\n"


def debian_sources(etc: Path = Path("/etc")) -> list[str]:
    """The images' Debian release as apt's lines, from the mirrors that a Debian host uses.

    Empty where the host names none: then apt's own, which the base image has, serve.
    """
    mirror = security = ""
    release = etc / "os-release"
    if release.is_file() and re.search(r"^ID=\"?debian\"?$", release.read_text(), re.MULTILINE):
        for uri, suite in _host_mirrors(etc / "apt"):
            if suite.endswith("-security"):
                security = uri
            elif re.fullmatch(r"[a-z]+", suite):
                mirror = uri
    if not (mirror and security):
        return []
    suite = versions.DEBIAN_SUITE
    signed = f"[signed-by={DEBIAN_KEYRING}]"
    return [
        f"deb {signed} {mirror} {suite} main",
        f"deb {signed} {mirror} {suite}-updates main",
        f"deb {signed} {security} {suite}-security main",
    ]


def _host_mirrors(apt: Path) -> Iterator[tuple[str, str]]:
    """(address, suite) of each of the host's sources of Debian itself."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            for block in text.split("\n\n"):
                fields = dict(
                    re.findall(r"^(URIs|Suites|Components|Enabled): *(.*)$", block, re.MULTILINE)
                )
                if "main" in fields.get("Components", "").split() and fields.get("Enabled") != "no":
                    uris, suites = fields.get("URIs", "").split(), fields.get("Suites", "").split()
                    yield from (
                        (uri, suite) for uri in uris[:1] for suite in suites if _is_debian(uri)
                    )
        else:
            for uri, suite in re.findall(
                r"^deb (?:\[.*?\] )?(\S+) (\S+) .*\bmain\b", text, re.MULTILINE
            ):
                if _is_debian(uri):
                    yield uri, suite


def _is_debian(uri: str) -> bool:
    """Whether an address looks like a mirror of Debian, not like somebody's own repository."""
    return re.search(r"/debian(-security)?/*$", uri) is not None


def _host_apt_settings() -> list[str]:
    if not shutil.which("apt-config"):
        return []
    dump = subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=False
    ).stdout
    matches = (_APT.match(line) for line in dump.splitlines())
    found = [(match[1], match[2]) for match in matches if match]
    return [f'{key} "{value}";' for key, value in found if value and not value.startswith("/")]


def _pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    home = Path(environment.get("HOME", "/nonexistent"))
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    if environment.get("PIP_CONFIG_FILE"):
        files.append(Path(environment["PIP_CONFIG_FILE"]))
    settings: dict[str, str] = {}
    for path in files:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(path)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            settings |= dict(parser[section]) if parser.has_section(section) else {}
    return settings
