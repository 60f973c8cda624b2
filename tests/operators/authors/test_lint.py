"""Each rule of the linter finds its bad sample, where it is, and nothing in the good one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from infra.root import ROOT
from tests import howto
from updraft.lint import yardstick
from updraft.lint.__main__ import check, main
from updraft.lint.findings import PARSE_SECONDS, RULES, Finding
from updraft.lint.source import Source
from updraft.lint.watching import RefusedError, Watch

# Parses a file where eight others want the one processor that it may use.
CROWDED = """
import json, os, sys, time
from updraft.lint.watching import Watch
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
own = os.getpid()
for _ in range(8):
    if not os.fork():
        while os.getppid() == own:
            pass
        os._exit(0)
began = time.perf_counter()
watch = Watch(sys.argv[1])
watch.run()
print(json.dumps([watch.seconds, time.perf_counter() - began]))
"""
# Takes the time of a heavy import, without being one.
SLOW_MODULE = """
import time
end = time.process_time() + 1.2
while time.process_time() < end:
    pass
"""
# A DAG in which every rule holds; a bad sample differs from it in one place.
GOOD = '''
"""A sample."""
from datetime import timedelta
from airflow.sdk import dag, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.bases.notifier import BaseNotifier
#IMPORT#

#TOP#

@dag(
    schedule="0 3 * * *",
    default_args={"owner": "sales", "retries": 2},
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=1),
        callback=AsyncCallback("airflow.sdk.bases.notifier.BaseNotifier", kwargs={}),
    ),
)
def NAME():
    """Say what it does."""
    #LAYOUT#

    @task
    def items():
        """Return the items."""
        return [1, 2]

    @task(map_index_template="{{ item }}")
    def load(item):
        """Load one."""
        import requests
        return requests.get(f"https://example.com/{item}")

    load.expand(item=items())


NAME()

if __name__ == "__main__":
    import requests
    requests.get("https://example.com")
'''
POD = """
    from kubernetes.client import models

    size = models.V1ResourceRequirements(requests={"cpu": "CPU", "memory": "1Gi"})
    containers = [models.V1Container(name="base", resources=size)]
    pod = models.V1Pod(spec=models.V1PodSpec(containers=containers))

    @task(executor_config={"pod_override": pod})
    def large():
        \"\"\"Need much.\"\"\"

    large()
"""
# For each bad sample: the rule, what it changes, and the text of the line that it is found at.
BAD: dict[str, tuple[str, tuple[str, str], str | None]] = {
    "syntax": ("import-error", ("#TOP#", "def ("), "def ("),
    "missing": ("import-error", ("#IMPORT#", "import no_such_module"), "import no_such_module"),
    "exits": ("import-error", ("#TOP#", "raise SystemExit(3)"), "raise SystemExit(3)"),
    "cycle": ("import-error", ("load.expand(item=items())", "a = items(); a >> a"), "@dag("),
    "slow": ("parse-time", ("#TOP#", SLOW_MODULE), ""),
    "heavy": ("heavy-import", ("#IMPORT#", "import slow_module"), "import slow_module"),
    "variable": (
        "top-level-call",
        ("#LAYOUT#", 'from airflow.sdk import Variable\n    name = Variable.get("name", "")'),
        'name = Variable.get("name", "")',
    ),
    "network": (
        "top-level-call",
        ("#TOP#", "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')"),
        "urllib.request.urlopen('http://127.0.0.1:9')",
    ),
    "hidden": (
        "top-level-call",
        ("#TOP#", "from http.client import HTTPConnection\nHTTPConnection('::1', 9).connect()"),
        "HTTPConnection('::1', 9).connect()",
    ),
    "helper": (
        "top-level-call",
        ("#TOP#", "def rows():\n    import sqlite3\n    sqlite3.connect(':memory:')\nrows()"),
        "    sqlite3.connect(':memory:')",
    ),
    "program": (
        "top-level-call",
        ("#TOP#", "import subprocess as sub\nsub.run(['true'])"),
        "sub.run(['true'])",
    ),
    "hook": (
        "top-level-call",
        ("#TOP#", "class SomeHook:\n    pass\nSomeHook()"),
        "SomeHook()",
    ),
    "clock": (
        "unstable",
        ("#LAYOUT#", "from datetime import datetime\n    today = datetime.now()"),
        "    today = datetime.now()",
    ),
    "nobody": ("owner", ('"owner": "sales", ', ""), "@dag("),
    "undocumented_dag": ("docs", ('    """Say what it does."""\n', ""), "@dag("),
    "undocumented_task": ("docs", ('        """Return the items."""\n', ""), "    @task"),
    "no_retries": ("retries", ("    @task\n", "    @task(retries=0)\n"), "    @task(retries=0)"),
    "endless": ("deadline", ("deadline=Dead", "deadline=None and Dead"), "@dag("),
    "too_large": (
        "pod-size",
        ("#LAYOUT#", POD.replace("CPU", "9")),
        '    @task(executor_config={"pod_override": pod})',
    ),
    "unnamed": ("mapped-name", ('(map_index_template="{{ item }}")', ""), "    @task"),
    "twice": ("dag-id", ("NAME", "heavy"), "@dag("),
    "no_reason": (
        "ignore",
        ("    @task\n", "    @task(retries=0)  # lint: ignore[retries]\n"),
        "    @task(retries=0)  # lint: ignore[retries]",
    ),
    "no_such_rule": ("ignore", ("#TOP#", "x = 1  # lint: ignore[nope] because"), None),
    "no_rule": ("ignore", ("#TOP#", "x = 1  # lint: ignore because"), None),
}  # fmt: skip
FINE: dict[str, tuple[str, str]] = {
    "plain": ("#TOP#", ""),
    "small": ("#LAYOUT#", POD.replace("CPU", "2")),
    "by_hand": ('schedule="0 3 * * *",', "schedule=None,"),
    "accepted": (
        "    @task\n",
        "    # lint: ignore[retries, docs] it must not happen twice\n    @task(retries=0)\n",
    ),
    # The package's own tasks say themselves what they do.
    "of_the_package": (
        "    load.expand(item=items())\n",
        "    from updraft.patterns import branch_on, collect\n"
        "    gathered = collect(load.expand(item=items()))\n"
        "    again = items.override(task_id='again')()\n"
        "    branch_on(gathered, {'again': bool}, task_id='choose') >> again\n",
    ),
    "accepted_dag": ('"owner": "sales", ', "# lint: ignore[owner] for all\n"),
}


def sample(name: str, change: tuple[str, str]) -> str:
    old, new = change
    assert old in GOOD, old
    text = GOOD.replace(old, new)
    for mark in ("#IMPORT#", "#TOP#", "#LAYOUT#"):
        text = text.replace(mark, "")
    return text.replace("NAME", name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("dags")
    (made / "slow_module.py").write_text(SLOW_MODULE)
    for name, (_, change, _) in BAD.items():
        (made / f"{name}.py").write_text(sample(name, change))
    for name, change in FINE.items():
        (made / f"{name}.py").write_text(sample(name, change))
    (made / "hangs.py").write_text(sample("hangs", ("#TOP#", "import os\nos._exit(0)")))
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, list[Finding]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__UPDRAFT__TASK_QUOTA", json.dumps({"requests.cpu": "8"}))
        findings, files = check([folder])
    print(f"{files} files, {len(findings)} findings, by rule {Counter(f.rule for f in findings)}")
    assert files == len(BAD) + len(FINE) + 1
    sorted_out: dict[str, list[Finding]] = {}
    for each in findings:
        sorted_out.setdefault(each.path.stem, []).append(each)
    return sorted_out


@pytest.mark.parametrize("name", BAD)
def test_a_bad_sample_is_found_where_it_is(
    name: str, found: dict[str, list[Finding]], folder: Path
) -> None:
    rule, (_, new), line = BAD[name]
    findings = [each for each in found.get(name, []) if each.rule == rule]
    print(*found.get(name, ["nothing"]), sep="\n")
    assert findings, f"{rule} finds nothing in {name}.py"
    if line is None:
        line = new
    if line:
        lines = (folder / f"{name}.py").read_text().splitlines()
        assert lines[findings[0].line - 1].strip() == line.strip()
    for each in findings:
        assert RULES[rule] in str(each)
        assert "fix: " in str(each)


def test_a_good_sample_is_left_alone(found: dict[str, list[Finding]]) -> None:
    wrong = {name: [str(each) for each in found.get(name, [])] for name in FINE}
    print(wrong)
    assert not any(wrong.values())


def test_a_bad_sample_has_no_other_findings(found: dict[str, list[Finding]]) -> None:
    # What takes time is heavy and slow at once; what is refused or broken has no tasks left.
    together = {"heavy-import", "parse-time", "import-error"}
    others = {}
    for name, (rule, _, _) in BAD.items():
        rules = {each.rule for each in found[name]} - {rule, "retries" if rule == "ignore" else ""}
        others[name] = rules - (together if rule in together else set())
    print(others)
    assert not any(others.values())


def test_a_file_that_ends_the_process_is_found(found: dict[str, list[Finding]]) -> None:
    print(found["hangs"])
    assert [each.rule for each in found["hangs"]] == ["import-error"]
    assert "ended the whole process" in found["hangs"][0].what


def test_every_rule_has_a_bad_sample() -> None:
    shown = {rule for rule, _, _ in BAD.values()}
    print(shown)
    assert shown == set(RULES)


def test_a_file_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from updraft.lint import child  # noqa: PLC0415 -- imports Airflow

    file = tmp_path / "endless.py"
    file.write_text("while True:\n    pass\n")
    monkeypatch.setattr(child, "TIMEOUT", 1.0)
    facts = child._quickest(str(file), str(tmp_path))
    print(facts)
    assert facts["error"] == "it was not done after 1 s"
    assert facts["seconds"] == 1.0


def test_a_slow_machine_makes_no_file_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from updraft.lint import child  # noqa: PLC0415 -- imports Airflow

    file = tmp_path / "works.py"
    file.write_text(SLOW_MODULE)
    monkeypatch.setattr(yardstick, "measure", lambda: yardstick.SECONDS / 4)
    here = child._forked(partial(child._parsed, str(file), str(tmp_path)))["seconds"]
    monkeypatch.setattr(yardstick, "measure", lambda: yardstick.SECONDS * 10)
    there = child._forked(partial(child._parsed, str(file), str(tmp_path)))["seconds"]
    print(here, there)
    assert here > PARSE_SECONDS > there > 0


def test_the_yardstick_takes_as_long_as_it_says() -> None:
    assert 0.2 * yardstick.SECONDS < yardstick.measure() < 20 * yardstick.SECONDS


def test_a_file_is_not_slow_because_others_have_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "works.py"
    file.write_text(
        "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end:\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", CROWDED, str(file)], capture_output=True, text=True, check=True
    )
    judged, passed = json.loads(done.stdout)
    print(f"judged {judged:.2f} s, passed {passed:.2f} s")
    assert passed > 1.5
    assert judged < 0.6


def test_a_file_that_only_waits_is_slow(tmp_path: Path) -> None:
    file = tmp_path / "waits.py"
    file.write_text("import time\ntime.sleep(1.1)\n")
    watch = Watch(str(file))
    watch.run()
    print(watch.seconds)
    assert watch.seconds > PARSE_SECONDS


def test_what_reaches_out_is_noted_and_refused_and_a_program_is_only_noted() -> None:
    watch = Watch("dags/sales.py")
    with pytest.raises(RefusedError, match="the name example"):
        watch._audit("socket.getaddrinfo", ("example.com", 80))
    watch._audit("subprocess.Popen", ("true", ["true"]))
    watch._audit("open", ("file", "r"))
    print(watch.calls)
    assert [what for _, what in watch.calls] == [
        "a look-up of the name example.com",
        "the program true",
    ]


def test_the_exit_code_tells_what_came_of_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder / "plain.py")]) == 0
    assert "nothing found; files checked: 1" in capsys.readouterr().out
    assert main([str(folder / "nobody.py"), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    print(row)
    assert row["rule"] == "owner"
    assert row["path"].endswith("nobody.py")
    assert main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert main([str(folder / "missing.txt")]) == 2
    with pytest.raises(SystemExit) as ended:
        main(["--no-such-option"])
    assert ended.value.code == 2


def test_an_airflow_that_does_not_start_is_told(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "airflow.py").write_text("raise RuntimeError('no Airflow')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main([str(folder / "plain.py")]) == 2
    assert "can't be parsed" in capsys.readouterr().err


def test_the_help_lists_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    print(told)
    for rule in RULES:
        assert rule in told


def test_a_task_is_found_by_its_decorator_its_id_or_its_dag() -> None:
    source = Source(
        "from airflow.sdk import DAG, task\n"
        "with DAG('sales') as dag:\n"
        "    Load(task_id='load')\n"
        "    @task(task_id='other')\n"
        "    def named(): ...\n"
        "    Load(task_id=name)\n"
    )
    found = [source.task(name, "sales").first for name in ("load", "group.other", "computed")]
    print(found)
    assert found == [3, 4, 2]


def test_what_the_how_tos_write_is_as_the_linter_wants_it(tmp_path: Path) -> None:
    pages = sorted((ROOT / "docs" / "howto").glob("*.md"))
    dags = 0
    for page in pages:
        for number, block in enumerate(howto.blocks(page)):
            if block.kind != "python" or block.file.startswith("tests/"):
                continue
            name = block.file.removeprefix("dags/") or f"{page.stem}_{number}.py"
            (tmp_path / name).write_text(block.text)
            dags += "\n@dag(" in block.text
    found, files = check([tmp_path])
    print(f"{len(pages)} pages, {dags} DAGs, {files} files", *found, sep="\n")
    assert files == dags >= 4
    assert found == []
