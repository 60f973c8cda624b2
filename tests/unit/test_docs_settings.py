"""What README and how-tos say of settings is what the settings are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from infra.cli.image_plan import in_registry
from infra.cli.options import parse_overrides
from infra.cli.platform import split_reference
from infra.images.engines import REPOSITORY
from infra.root import ROOT
from infra.settings import PROJECT, Settings, load
from infra.settings.stack import merge, read

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md")))
REFERENCE = (ROOT / "docs" / "reference" / "settings.md").read_text()


def known() -> set[str]:
    """Each setting of the reference, and what it lies in."""
    found: set[str] = set()
    for part in REFERENCE.split(f"\n## {PROJECT}:")[1:]:
        area = part.splitlines()[0]
        for key in re.findall(r"^\| `([\w.\[\]]+)` ", part, re.M):
            words = f"{area}.{key.replace('[]', '')}".split(".")
            found |= {".".join(words[:length]) for length in range(1, len(words) + 1)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_setting_that_a_page_names_is_there(page: Path) -> None:
    areas = "|".join(field.alias or name for name, field in Settings.model_fields.items())
    text = re.sub(r"```python\n.*?```", "", page.read_text(), flags=re.S)
    named = set(re.findall(rf"`(?:{PROJECT}:)?((?:{areas})\.[a-z]\w*(?:\.\w+)*)`", text))
    print(sorted(named))
    assert named - known() == set()
    assert named or page.stem not in {"README", "change-a-setting"}


def test_every_change_that_a_page_makes_is_accepted() -> None:
    words = {each for page in PAGES for each in re.findall(r'SET="([^"]+)"', page.read_text())}
    print(sorted(words))
    assert len(words) >= 3
    for each in words:
        load(merge(read("local"), parse_overrides(each)))
    text = (ROOT / "docs" / "howto" / "change-a-setting.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.S)
    areas = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in yaml.safe_load(block)["config"].items()
    }
    changed = load(merge(read("local"), areas))
    print(changed.tasks.quota)
    assert changed.tasks.quota.pods == 24


def test_the_image_that_the_readme_pushes_is_the_one_of_the_production_stack() -> None:
    (registry,) = re.findall(r"`make image REGISTRY=(\S+)`", PAGES[0].read_text())
    pushed = split_reference(in_registry(registry, f"{REPOSITORY}/airflow:0a1b2c"))
    chosen = load(merge(read("prod"), {"image": pushed})).image
    print(pushed, read("prod")["image"])
    assert chosen.repository == load(read("prod")).image.repository
