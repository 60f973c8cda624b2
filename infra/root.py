"""Where the repository is, and what says its terms."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Every image and package brings them along, for what of ours is in it.
TERMS = ("LICENSE", "NOTICE")
