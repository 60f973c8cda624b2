"""The table of licences names what the programs were linked from, and images bring the terms."""

from __future__ import annotations

import json

from infra.cli.platform import Platform
from infra.licences import go_modules
from infra.licences.table import PAGE, parse
from infra.local import tools
from infra.local.paths import Paths

# Of each package that the image's Python has, the files of licences that it lists and lacks.
LOOK = """
import json, pathlib
from importlib import metadata
print(json.dumps({
    each.name: [str(file) for file in each.files or () if "license" in str(file).lower()
                and ".dist-info" in str(file) and not pathlib.Path(file.locate()).is_file()]
    for each in metadata.distributions()
}))
"""


def test_each_program_is_linked_from_the_modules_of_the_table() -> None:
    built = tools.ensure(go_modules.PROGRAMS.values(), print)
    go = tools.ToolCache(Paths.for_instance().cache).go(print)
    told = [each for each in parse(PAGE.read_text()).packages if each.kind in go_modules.KINDS]
    for image, program in go_modules.PROGRAMS.items():
        wanted = {(each.name, each.version) for each in told if image in each.images}
        found = go_modules.linked(built[program], go) | {go_modules.STANDARD_LIBRARY}
        print(f"{image}: {len(found)} modules", sorted(found ^ wanted))
        assert found == wanted, image
    assert len(told) >= 300


def test_the_image_brings_the_terms_of_what_is_in_it(platform: Platform) -> None:
    inside = ("exec", "-n", platform.namespace, "deployment/airflow-scheduler", "-c", "scheduler")
    lost = json.loads(platform.kubectl.run(*inside, "--", "python", "-c", LOOK))
    print(f"{len(lost)} packages", {name: files for name, files in lost.items() if files})
    assert lost.keys() >= {"apache-airflow", "updraft"}
    assert len(lost) >= 150
    assert not any(lost.values())
    vendor = "/opt/venv/lib/python3.*/site-packages/updraft/platform/static/vendor"
    look = f"ls /usr/share/doc/updraft {vendor}; ls /usr/share/doc/*/copyright | wc -l"
    seen = platform.kubectl.run(*inside, "--", "sh", "-c", look).split()
    print(seen)
    assert {"LICENSE", "NOTICE", "echarts.LICENSE", "echarts.NOTICE", "zrender.LICENSE"} <= {*seen}
    assert int(seen[-1]) >= 50
