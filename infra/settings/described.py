"""What Airflow and its providers describe of their options."""

from __future__ import annotations

from pathlib import Path

# Options that hold no secret, written by `python -m tests.unit.airflow_described`.
HARMLESS_FILE = Path(__file__).with_name("harmless_options.txt")
HARMLESS = frozenset(HARMLESS_FILE.read_text(encoding="utf-8").split())
SECTIONS = frozenset(name.rpartition(".")[0] for name in HARMLESS)


def spelling(section: str) -> str:
    """Return a section as Airflow spells it: for a variable's name a point is an underscore."""
    flat = section.replace(".", "_")
    return next((known for known in SECTIONS if known.replace(".", "_") == flat), section)
