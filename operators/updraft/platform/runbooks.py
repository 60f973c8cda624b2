"""The runbooks as pages beside the Platform page: what to do when an alert fires, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt

from updraft.platform.entry import folder

ROUTE = "/runbooks"
INDEX = "README.md"
_HERE = Path(__file__).resolve()
# The image's, else a checkout's.
_FOLDERS = (_HERE.with_name("runbooks"), _HERE.parents[3] / "docs" / "runbooks")
_PAGE = _HERE.with_name("static") / "runbook.html"
# Tags in a text stay text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def files() -> Mapping[str, Path]:
    """Return the runbooks by their files' names; what is not in here can't be asked for."""
    folder = next((each for each in _FOLDERS if each.is_dir()), _FOLDERS[0])
    return {path.name: path for path in sorted(folder.glob("*.md"))}


def page(name: str) -> tuple[str, bool]:
    """Return a page of HTML, and whether there is a runbook of that name.

    Args:
        name: Of its file, such as Watchdog.md; empty for the index. Where there is none, the page
            says which there are.
    """
    found = files()
    path = found.get(name or INDEX)
    body = _MARKDOWN.render(path.read_text(encoding="utf-8")) if path else _missing(name, found)
    template = Template(_PAGE.read_text(encoding="utf-8"))
    # A name that is not there may hold slashes, each of which leads one folder down.
    up = "../" * (1 + name.count("/"))
    title = escape((name or "Runbooks").removesuffix(".md"))
    return template.substitute(title=title, body=body, up=up), path is not None


def own(address: str) -> str:
    """Return the page of this platform to which an address leads, from the Platform page.

    Whoever looks at the page may have reached Airflow by another name than the alert has.

    Args:
        address: The alert's `runbook_url`.

    Returns:
        Such as runbooks/Watchdog.md; empty where the address leads elsewhere.
    """
    at, _, name = urlsplit(address).path.rpartition("/")
    is_own = at == f"{folder()}{ROUTE}" and name in files()
    return f"{ROUTE.removeprefix('/')}/{name}" if is_own else ""


def _missing(name: str, found: Mapping[str, Path]) -> str:
    up = "../" * name.count("/")
    names = [each.removesuffix(".md") for each in found if each != INDEX]
    items = "".join(
        f'<li><a href="{up}{quote(each)}.md">{escape(each)}</a></li>\n' for each in names
    )
    there = f"<p>These are there:</p>\n<ul>\n{items}</ul>" if names else f"<p>{_NONE}</p>"
    return f"<h1>There is no runbook {escape(name.removesuffix('.md'))}</h1>\n{there}"


_NONE = (
    "This installation brings no runbooks: the platform's image has them, and a checkout of "
    "the platform's repository in docs/runbooks."
)
