"""What a browser shows of the Platform page."""

from __future__ import annotations

from typing import Any

PLATFORM = (
    "control", "alerts", "quota", "waiting", "pods", "start", "throughput", "cost", "failures",
)  # fmt: skip
DESKTOP, PHONE, NARROW = (1280, 900), (390, 844), (320, 640)
# The elements that reach beyond a width, as they stand in the page.
BEYOND = """most => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > most + 1)
    .map(each => each.outerHTML.slice(0, 90))"""
CHARTS = ("quota", "waiting", "pods", "start", "throughput", "cost")


def log_in(page: Any, username: str, password: str) -> None:
    """Fill the form of the login and send it."""
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[type=submit], button[type=submit]").first.click()


def statuses(page: Any) -> dict[str, str]:
    """Wait until each panel has been answered; return what became of it."""
    chosen = page.locator("main:not([hidden]) [data-panel]")
    chosen.first.wait_for()
    page.wait_for_function(
        "() => document.getElementById('updated').textContent.startsWith('as of')"
    )
    return {
        each.get_attribute("data-panel"): each.get_attribute("data-status") for each in chosen.all()
    }


def is_drawn(page: Any, name: str) -> bool:
    """Whether a panel's chart has more than one colour, so that there is something on it."""
    return bool(
        page.evaluate(
            """name => {
                const canvas = document.querySelector(`[data-panel="${name}"] canvas`);
                const { width, height } = canvas;
                const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
                return new Set(new Uint32Array(data.buffer)).size > 20;
            }""",
            name,
        )
    )


def has_no_overflow(page: Any) -> bool:
    """Whether nothing has to be scrolled sideways."""
    width, most = page.evaluate("document.documentElement.scrollWidth"), page.viewport_size["width"]
    print("width", width, "of", most)
    if width > most:
        print("beyond it:", page.evaluate(BEYOND, most))
    return bool(width <= most)
