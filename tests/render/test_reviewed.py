"""What is committed for review is what the program renders."""

from __future__ import annotations

import pytest

from infra.render import Manifest
from tests.render.conftest import LEAST_OBJECTS, Rendered
from tests.render.reviewed import GOLDEN, STACKS, files
from tests.render.variants import EMBEDDED


def role(name: str) -> Manifest:
    meta = {"name": name, "namespace": "x"}
    return Manifest(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta}
    )


def test_objects_that_would_be_written_to_one_file_are_refused_by_its_path() -> None:
    made = [role("system:a"), role("b")]
    assert len(files(made)) == len(made) + 1
    with pytest.raises(AssertionError, match=r"one file: x/role-system-a\.yaml$"):
        files([*made, role("system-a")])


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
