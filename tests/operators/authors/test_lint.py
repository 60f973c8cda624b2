"""Each rule of the linter finds its bad sample, where it is, and nothing in the good one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from infra.root import ROOT
from tests import howto
from tests.operators.authors.lint_samples import BAD, FINE, SLOW_MODULE, sample
from updraft.lint.__main__ import check, main
from updraft.lint.findings import RULES, Finding
from updraft.lint.source import Source


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


def test_the_command_of_an_import_error_shows_its_traceback(
    found: dict[str, list[Finding]],
) -> None:
    (finding,) = [each for each in found["missing"] if each.rule == "import-error"]
    (command,) = re.findall("`(.+)`", finding.fix)
    typed = command.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh", "-c", typed], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    print(f"$ {command}\n{done.stderr}")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.strip().endswith("ModuleNotFoundError: No module named 'no_such_module'")


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


@pytest.fixture(scope="module")
def written_by_how_tos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the modules and DAGs that the how-tos write."""
    folder = tmp_path_factory.mktemp("howtos")
    for page in sorted((ROOT / "docs" / "howto").glob("*.md")):
        for number, block in enumerate(howto.blocks(page)):
            if block.kind == "python" and not block.file.startswith("tests/"):
                name = block.file.removeprefix("dags/") or f"page_{page.stem}_{number}.py"
                (folder / name.replace("-", "_")).write_text(block.text)
    return folder


def test_what_the_how_tos_write_is_as_the_linter_wants_it(written_by_how_tos: Path) -> None:
    dags = [file for file in written_by_how_tos.iterdir() if "\n@dag(" in file.read_text()]
    found, files = check([written_by_how_tos])
    print(f"{len(dags)} DAGs, {files} files", *found, sep="\n")
    assert files == len(dags) >= 4
    assert found == []


def test_what_the_how_tos_write_passes_the_types_that_make_lint_checks(
    written_by_how_tos: Path,
) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"]
    done = subprocess.run(
        [*mypy, f"--cache-dir={ROOT / '.mypy_cache'}", str(written_by_how_tos)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": f"operators:{written_by_how_tos}"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "Success: no issues found in" in done.stdout


def test_a_file_in_which_airflow_looks_for_no_dag_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.py").write_text("from airflow.sdk import DAG\n")
    (tmp_path / "__init__.py").touch()
    (tmp_path / "broken.py").write_text("import nonexistent_package\n")
    main([str(tmp_path)])
    told = capsys.readouterr().out
    print(told)
    named = told.partition("for want of the words dag and airflow: ")[2]
    assert named == f"{tmp_path}/broken.py\n"


def test_what_is_no_text_and_what_is_no_file_leave_the_others_checked(tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(b"# dag airflow\nname = '\xff'\n")
    (tmp_path / "null.py").write_bytes(b"# dag airflow\n\x00\n")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    os.mkfifo(tmp_path / "pipe.py")
    found, files = check([tmp_path])
    print(*found, sep="\n")
    assert files == 2
    assert {(each.path.name, each.rule) for each in found} == {
        ("binary.py", "import-error"),
        ("null.py", "import-error"),
    }
