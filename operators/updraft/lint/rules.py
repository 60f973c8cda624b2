"""Turns the facts of DAG files into findings, each with what to do about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from updraft.lint.facts import DagFacts, FileFacts, TaskFacts
from updraft.lint.findings import IMPORT_SECONDS, PARSE_SECONDS, Finding
from updraft.lint.source import Place, Source

# What Airflow writes where nobody named one.
NOBODY = ("", "airflow")


def of_file(path: Path, facts: FileFacts, source: Source) -> Iterator[Finding]:
    """Yield what is wrong with a file and its DAGs, each taken by itself."""
    if facts["error"]:
        shown = f"`PYTHONPATH=operators:dags .venv/bin/python {path}`"
        fix = f"mend the error; {shown} in the checkout shows all of its traceback"
        what = f"the file can't be imported: {facts['error']}"
        yield Finding(path, facts["line"], "import-error", what, fix)
    yield from _costs(path, facts)
    yield from _reaches(path, facts, source)
    for dag in facts["dags"]:
        yield from _dag(path, dag, source)
        for task in dag["tasks"]:
            yield from _task(path, dag, task, source)
        yield from _owners(path, dag, source)


def across(files: Iterable[tuple[Path, FileFacts, Source]]) -> Iterator[Finding]:
    """Yield what is wrong between files: one id for two DAGs."""
    places: Mapping[str, list[tuple[Path, Place]]] = defaultdict(list)
    for path, facts, source in files:
        for dag in facts["dags"]:
            places[dag["dag_id"]].append((path, source.dag(dag["dag_id"])))
    for dag_id, found in places.items():
        for path, place in found[1:]:
            what = f"the DAG {dag_id} is also defined in {found[0][0]}"
            fix = "give one of the two another id"
            yield Finding(path, place.first, "dag-id", what, fix, place.last)


def _costs(path: Path, facts: FileFacts) -> Iterator[Finding]:
    """What the parse takes."""
    if facts["seconds"] > PARSE_SECONDS:
        what = (
            f"parsing takes {facts['seconds']:.2f} s beyond airflow.sdk, {PARSE_SECONDS} s may be"
        )
        fix = "import inside of tasks what only tasks use, and do in a task what is computed here"
        yield Finding(path, 1, "parse-time", what, fix)
    for line, module, seconds in facts["imports"]:
        if seconds > IMPORT_SECONDS:
            what = f"importing {module} takes {seconds:.2f} s, {IMPORT_SECONDS} s may be"
            fix = "import it inside of the task's function, where only that task pays for it"
            yield Finding(path, line, "heavy-import", what, fix)


def _reaches(path: Path, facts: FileFacts, source: Source) -> Iterator[Finding]:
    """What the parse reaches, seen in the source or while it ran; what gives another value."""
    seen: set[int] = set()
    fix = "do it inside of a task; a template such as {{ var.value.name }} is rendered there, too"
    for place, name, does in source.at_parse():
        seen |= set(range(place.first, place.last + 1))
        what = f"{does} at every parse ({name})"
        yield Finding(path, place.first, "top-level-call", what, fix, place.last)
    for line, call in facts["calls"]:
        if line not in seen:
            yield Finding(path, line, "top-level-call", f"every parse leads to {call}", fix)
    for place, name in source.unstable():
        what = f"{name} gives another value at each parse"
        fix_it = "take the run's own dates, such as {{ ds }} or data_interval_start, or a constant"
        yield Finding(path, place.first, "unstable", what, fix_it, place.last)


def _dag(path: Path, dag: DagFacts, source: Source) -> Iterator[Finding]:
    place = source.dag(dag["dag_id"])

    def found(rule: str, what: str, fix: str) -> Finding:
        return Finding(path, place.first, rule, f"DAG {dag['dag_id']}: {what}", fix, place.last)

    if dag["problem"]:
        yield found("import-error", f"Airflow refuses it: {dag['problem']}", "mend the error")
    if not dag["documented"]:
        fix = "write a docstring into the @dag function, or doc_md=…: what it does, for whom, and "
        yield found("docs", "it is not documented", f"{fix}what to do when it fails")
    if dag["scheduled"] and not dag["deadline"]:
        fix = "deadline=DeadlineAlert(…): by when must a run be done? see updraft.deadlines"
        yield found("deadline", "it has a schedule and no deadline", fix)


def _task(path: Path, dag: DagFacts, task: TaskFacts, source: Source) -> Iterator[Finding]:
    place = source.task(task["task_id"], dag["dag_id"])
    name = f"task {dag['dag_id']}.{task['task_id']}"

    def found(rule: str, what: str, fix: str) -> Finding:
        return Finding(path, place.first, rule, f"{name}: {what}", fix, place.last)

    if not task["documented"]:
        yield found(
            "docs", "it is not documented", "write a docstring into its function, or doc_md=…"
        )
    if not task["retries"]:
        fix = 'default_args={"retries": 2, …} for all tasks of the DAG, or retries=2 for this one'
        yield found("retries", "it has no retries", fix)
    if task["mapped"] and not task["named"]:
        fix = "map_index_template=…; updraft.patterns.item_name names an item by its own fields"
        yield found("mapped-name", "its items have no names", fix)
    if task["pod"]:
        fix = "ask for less, or split the work into more and smaller tasks; see updraft.sizes"
        yield found("pod-size", task["pod"], fix)


def _owners(path: Path, dag: DagFacts, source: Source) -> Iterator[Finding]:
    """Said once for a DAG: an owner is set in its default_args."""
    without = [task["task_id"] for task in dag["tasks"] if task["owner"] in NOBODY]
    if without:
        place = source.dag(dag["dag_id"])
        what = f"DAG {dag['dag_id']}: nobody owns {', '.join(without)}"
        fix = 'default_args={"owner": "the team\'s name", …}'
        yield Finding(path, place.first, "owner", what, fix, place.last)
