"""Whether the local Airflow's UI answers, and what has changed about its DAGs."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator, Mapping, Set

# A service on this machine is never behind the proxy that the environment may name.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    """Whether the UI's first page is there."""
    try:
        with _OPENER.open(url, timeout=5) as page:
            return bool(page.status == http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException):
        return False


def news(
    known: Set[str], names: Set[str], broken: Mapping[str, str], errors: Mapping[str, str]
) -> Iterator[str]:
    """Yield what is new, a text each.

    Args:
        known: The DAGs that were there before.
        names: Those that are there now.
        broken: The files that couldn't be imported before, each with its error.
        errors: Those that can't be now.
    """
    if names - known:
        yield f"DAGs: {', '.join(sorted(names - known))}"
    if known - names:
        yield f"DAGs gone: {', '.join(sorted(known - names))}"
    for file, error in errors.items():
        if broken.get(file) != error:
            yield f"{file} can't be imported:\n{error.strip()}"
    for file in broken.keys() - errors.keys():
        yield f"{file} can be imported again"
