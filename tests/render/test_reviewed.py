"""What is committed for review is what the program renders."""

from __future__ import annotations

import pytest

from tests.render.conftest import LEAST_OBJECTS, Rendered
from tests.render.reviewed import GOLDEN, STACKS, files
from tests.render.variants import EMBEDDED


@pytest.mark.parametrize("stack", STACKS)
def test_the_committed_rendering_is_what_the_program_renders(
    rendered: Rendered, stack: str
) -> None:
    made = files(rendered(stack, EMBEDDED))
    folder = GOLDEN / stack
    there = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }
    wrong = sorted(path for path in made.keys() | there.keys() if made.get(path) != there.get(path))
    print(f"{stack}: {len(there)} files", *wrong, sep="\n")
    assert len(there) > LEAST_OBJECTS
    assert wrong == [], "write them anew: python -m tests.render.reviewed, and read the difference"
