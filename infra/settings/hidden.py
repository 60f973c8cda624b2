"""What looks like a secret, wherever it stands, and what an error shows in its place."""

from __future__ import annotations

import math
import re
from collections import Counter

NOT_SHOWN = "(not shown)"
# Of an address: all before its last @ is a login where it has a scheme or a colon.
_LOGIN = re.compile(r"(\w+://)?[^\s\"]*@(?!sha256:)")
_ADDRESS_WITH_LOGIN = re.compile(
    r"://[^/\s]*:[^/\s]*@|\bhttps?://[^/\s@]+@|(?<![\w/])[^\s/:@\"]+:[^\s/@\"]+@(?!sha256:)[\w.-]"
)
# A secret behind its name, as in JSON, a query or what a driver connects by.
_ASSIGNED = re.compile(
    r"(api[_-]?key|access[_-]?key|private[_-]?key|token|passw(or)?d|passphrase|pwd|secret)"
    r"[\"']?\s*[:=]\s*[\"']?[^\s\"'{]",
    re.IGNORECASE,
)
# How the tokens of well-known services begin, and keys and tokens in general.
_TOKEN = re.compile(
    r"-----BEGIN|\bhvs\.|\beyJ|\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|sk[-_]|SG\."
    r"|dckr_pat_|pypi-|npm_|dop_v1_)[A-Za-z0-9_.-]{12,}"
)
_RUN = re.compile(r"[A-Za-z0-9+/=_~-]{20,}")
_LONG_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,}")
_DIGEST = re.compile(r"\bsha256:[0-9A-Fa-f]+")
# A commit or a digest, or one that has lost or gained some digits.
_HASH = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{36,44}|[0-9a-f]{60,68})(?![0-9A-Za-z])")
_KINDS = ("[a-z]", "[A-Z]", "[0-9]")
# Bits a character, above which a run of text is no words. Of 24 random letters and digits it is 4.
_ENTROPY = 3.7


def holds_secret(text: str) -> bool:
    """Return whether a text holds a login in an address, or a secret behind its name."""
    return bool(_ADDRESS_WITH_LOGIN.search(text) or _ASSIGNED.search(text))


def looks_secret(text: str, *, hashes: bool = False) -> bool:
    """Return whether a text looks like a key, a token or a generated password.

    Args:
        text: It.
        hashes: Whether it stands where a commit or a digest may stand, which looks like a token.
    """
    text = _DIGEST.sub("", text)
    if hashes:
        text = _HASH.sub("", text)
    if _TOKEN.search(text) or _LONG_RUN.search(text) or _ASSIGNED.search(text):
        return True
    return any(
        _bits(run) > _ENTROPY and all(re.search(kind, run) for kind in _KINDS)
        for run in _RUN.findall(text)
    )


def shown(text: str) -> str:
    """Return a text that an error quotes, or a word in its place where it looks like a secret."""
    return NOT_SHOWN if looks_secret(text) or _ADDRESS_WITH_LOGIN.search(text) else text


def without_logins(text: str) -> str:
    """Return a text whose addresses have lost their logins."""
    return _LOGIN.sub(_without_login, text)


def _without_login(match: re.Match[str]) -> str:
    whole, scheme = match[0], match[1] or ""
    if not scheme and ":" not in whole:
        return whole
    return f"{scheme}{NOT_SHOWN}@"


def _bits(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits a character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)
