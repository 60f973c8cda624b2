"""`python -m updraft.exporter`."""

from __future__ import annotations

import sys

from updraft.exporter.command import main

if __name__ == "__main__":
    sys.exit(main())
