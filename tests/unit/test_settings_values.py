"""Settings by their values: what would break, weaken or do nothing is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.errors import UpdraftError
from infra.settings import load
from infra.settings.stack import merge, read
from tests.ssh import known_hosts, private_key
from tests.unit.settings_cases import WRONG
from tests.unit.settings_good import GOOD


def named(path: str, value: object) -> str:
    """Return a test's id, the same in each run."""
    return f"{path} {str(value)[:30]!a}"


def over(path: str, value: object) -> dict[str, object]:
    """Return the production stack with a value at a path; None there stays None."""
    *above, last = path.split(".")
    config = read("prod")
    place: dict[str, Any] = config
    for key in above:
        place[key] = dict(place.get(key) or {})
        place = place[key]
    if last in ("privateKey", "password"):
        place.pop("existingSecret", None)
    if isinstance(value, Mapping) and isinstance(place.get(last), Mapping):
        place[last] = merge(place[last], value)
    else:
        place[last] = value
    if path == "image.digest":
        place.pop("tag")
    return config


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    WRONG,
    ids=[named(path, value) for path, value, _ in WRONG],
)
def test_a_wrong_value_is_told_by_key_found_and_allowed(
    path: str, value: object, allowed: str
) -> None:
    with pytest.raises(UpdraftError) as caught:
        load(over(path, value))
    print(caught.value)
    lines = [line for line in str(caught.value).splitlines() if "; allowed: " in line]
    # Where two settings disagree it is the object that holds both.
    keys = (f"updraft:{path}", f"updraft:{path.rpartition('.')[0]}:")
    assert any(
        line.strip().startswith(keys) and "found " in line and allowed in line.split("allowed: ")[1]
        for line in lines
    ), allowed
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("path", "value"), GOOD, ids=[named(path, value) for path, value in GOOD])
def test_what_ordinary_companies_write_is_accepted(path: str, value: object) -> None:
    load(over(path, value))


def test_a_private_key_gets_the_end_of_its_last_line_back() -> None:
    hosts = known_hosts("git.example.com")
    ssh = {"privateKey": private_key().rstrip("\n"), "knownHosts": hosts, "existingSecret": None}
    settings = load(over("dags.ssh", ssh))
    assert settings.dags.ssh
    assert settings.dags.ssh.private_key
    assert settings.dags.ssh.private_key.get_secret_value() == private_key()
