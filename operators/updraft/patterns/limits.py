"""How much Airflow maps over at most, told before Airflow refuses it with fewer words."""

from __future__ import annotations

from airflow.sdk.configuration import conf

from updraft.errors import ConfigurationError

# Airflow's own default, for a process whose configuration does not say.
_DEFAULT = 1024


def max_map_length() -> int:
    """Return how many tasks one mapping may become: [core] max_map_length."""
    return int(conf.getint("core", "max_map_length", fallback=_DEFAULT))


def too_many(limit: int, where: str, fix: str) -> ConfigurationError:
    """Return the error of more pieces than a limit.

    Args:
        limit: How many are allowed.
        where: What was to be cut.
        fix: How to ask for fewer.
    """
    return ConfigurationError(
        f"these are more pieces than {limit}, and Airflow maps over {max_map_length()} at most",
        where=where,
        fix=f"{fix}; or ask for all with a higher `at_most`, and hand them to batches()",
    )
