"""A real browser for the tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing of it talks to anybody but this machine.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def launched() -> Iterator[Any]:
    """A browser of Playwright; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install --no-install-recommends chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, headless=True, args=list(FLAGS))
        yield opened
        opened.close()
