"""Whatever a file of settings holds, it is loaded or refused by an error that names the key."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from infra.errors import UpdraftError
from infra.settings import load
from tests.unit.settings_files import Config, spoiled

FILES = 3_000
LEAST_ACCEPTED = 300


def test_every_file_is_loaded_or_refused_by_its_keys() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=FILES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled())
    def one(config: Config) -> None:
        try:
            load(config)
        except UpdraftError as error:
            told = str(error).splitlines()
            faults = [line for line in told if line.startswith("  updraft")]
            assert faults, told
            assert all(": found " in line and "; allowed: " in line for line in faults), told
            assert all(line.split("; allowed: ")[1].strip() for line in faults), told
            seen["refused"] += 1
        else:
            seen["accepted"] += 1

    one()
    print(dict(seen))
    assert seen["accepted"] >= LEAST_ACCEPTED
    assert seen["refused"] >= LEAST_ACCEPTED
