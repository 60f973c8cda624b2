"""The metrics that the installed Airflow sends, with their tags, read from its own source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CALLS = {"incr", "decr", "gauge", "timing", "timer"}
# What an object's `stats_tags` and `metric_tags()` give, by who has them.
RUN, TASK = {"dag_id", "run_type", "team_name"}, {"dag_id", "task_id", "team_name"}
TRIGGERER = {"hostname", "team_name"}


@dataclass(frozen=True)
class Emitted:
    """A call that sends a metric; a name's variable part is {}."""

    name: str
    function: str
    tags: frozenset[str]
    where: str


def airflow() -> Path:
    """The folder of the installed package."""
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def emitted() -> list[Emitted]:
    """Every call in core, the SDK and the providers of the image."""
    root = airflow()
    found: list[Emitted] = []
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        if "_shared" in inside.parts or "example_dags" in inside.parts:
            continue
        text = path.read_text()
        if "tats." in text:
            found += _calls(ast.parse(text), str(inside))
    return found


def _calls(tree: ast.AST, where: str) -> Iterator[Emitted]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            called = node.func.attr in CALLS
            if called and isinstance(owner, ast.Name) and owner.id in {"stats", "Stats"}:
                yield from _emitted(node, function, f"{where}:{node.lineno}")


def _emitted(call: ast.Call, function: ast.AST, where: str) -> Iterator[Emitted]:
    assert isinstance(call.func, ast.Attribute)
    if not call.args:
        return  # a stopwatch, or arguments that another function makes
    tags = next((keyword.value for keyword in call.keywords if keyword.arg == "tags"), None)
    keys = frozenset(_keys(tags, function, where)) if tags else frozenset()
    name = call.args[0]
    values = [name.body, name.orelse] if isinstance(name, ast.IfExp) else [name]
    for value in values:
        yield Emitted(_text(value), call.func.attr, keys, where)


def _text(node: ast.expr) -> str:
    """A name as it is written."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.Name):
        return f"{{{node.id}}}"
    return "{}"


def _keys(node: ast.expr, function: ast.AST, where: str) -> Iterator[str]:
    """The keys of a dict that is written in any of the ways that Airflow does."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from _keys(value, function, where)
            else:
                yield ast.literal_eval(key)
    elif isinstance(node, ast.Name):
        yield from _assigned(node.id, function, where)
    elif isinstance(node, ast.Attribute):
        assert node.attr == "stats_tags", f"{where}: {ast.unparse(node)}"
        run = "dagrun" in where or "dag_run" in ast.unparse(node)
        yield from RUN if run else TASK
    elif isinstance(node, ast.Call) and "metric_tags" in ast.unparse(node.func):
        yield from TRIGGERER
    elif isinstance(node, ast.Call):
        assert ast.unparse(node.func) == "prune_dict", f"{where}: {ast.unparse(node)}"
        yield from _keys(node.args[0], function, where)
    else:
        raise AssertionError(f"{where}: tags written in a way that is new: {ast.unparse(node)}")


def _assigned(name: str, function: ast.AST, where: str) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield from _keys(node.value, function, where)
                if isinstance(target, ast.Subscript) and ast.unparse(target.value) == name:
                    yield ast.literal_eval(target.slice)


# The names that Airflow puts together while it runs.
NAMES: Mapping[str, tuple[str, ...]] = {
    "{}_start": ("job_start",),
    "{}_end": ("job_end", "schedulerjobrunner_end"),
    "{}_heartbeat_failure": ("job_heartbeat_failure",),
    "dagrun.duration.{}": ("dagrun.duration.success", "dagrun.duration.failed"),
    "task.{}": ("task.queued_duration", "task.scheduled_duration"),
    "ti.{}": tuple(
        f"ti.{state}" for state in ("scheduled", "queued", "running", "deferred", "awaiting_input")
    ),
    **{
        f"{{}}.{what}": (f"api_server.dag_bag.{what}", f"scheduler.dag_bag.{what}")
        for what in ("cache_hit", "cache_miss", "cache_clear", "cache_size")
    },
    **{
        f"{{{what}_metric_name}}": (f"executor.{what}",)
        for what in ("open_slots", "queued_tasks", "running_tasks")
    },
}
