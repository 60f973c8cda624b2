"""Reads a DAG file's source: where its DAGs and tasks stand, and which calls run at every parse."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

# Decorators whose function's body runs at every parse, since it lays out the DAG.
LAYOUT = ("airflow.sdk.dag", "airflow.sdk.task_group", "airflow.decorators.dag")
# Calls, or whole modules of them, that have no place there.
CALLS = {
    "airflow.sdk.Variable.get": "a variable is read",
    "airflow.models.Variable.get": "a variable is read",
    "airflow.sdk.Connection.get": "a connection is read",
    "airflow.sdk.BaseHook.get_connection": "a connection is read",
    "airflow.sdk.BaseHook.get_hook": "a connection is read",
    "airflow.settings.Session": "Airflow's own database is opened",
    "airflow.utils.session.create_session": "Airflow's own database is opened",
    **dict.fromkeys(
        ("psycopg", "psycopg2", "sqlite3", "pymysql", "MySQLdb", "oracledb", "pyodbc"),
        "a database is opened",
    ),
    "sqlalchemy.create_engine": "a database is opened",
    **dict.fromkeys(
        ("requests", "httpx", "urllib.request", "urllib3", "aiohttp", "socket", "boto3", "ftplib"),
        "the network is used",
    ),
    "smtplib": "the network is used",
    **dict.fromkeys(("subprocess", "os.system", "os.popen"), "a program is started"),
    "time.sleep": "it waits",
}
UNSTABLE = (
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "pendulum.now", "pendulum.today", "airflow.sdk.timezone.utcnow",
    "time.time", "uuid.uuid1", "uuid.uuid4", "random", "secrets",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file, the first and the last of a statement.

    Example:
        >>> Place(3, 5)
        Place(first=3, last=5)
    """

    first: int
    last: int


@dataclass(slots=True)
class Source:
    """A DAG file's source.

    Args:
        text: The whole of it.

    Raises:
        SyntaxError: It is no Python.

    Example:
        >>> source = Source('''
        ... import requests
        ... rates = requests.get("https://example.com/rates")
        ... ''')
        >>> source.at_parse()
        [(Place(first=3, last=3), 'requests.get', 'the network is used')]
    """

    text: str
    _tree: ast.Module = field(init=False)
    _names: dict[str, str] = field(init=False, default_factory=dict)
    _functions: dict[str, ast.FunctionDef] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._tree = ast.parse(self.text)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    self._names[each.asname or each.name.split(".")[0]] = (
                        each.name if each.asname else each.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    self._names[each.asname or each.name] = f"{node.module}.{each.name}"
            elif isinstance(node, ast.FunctionDef):
                self._functions[node.name] = node

    def dag(self, dag_id: str) -> Place:
        """Return where a DAG is defined; the first line where that can't be told."""
        return self._defined(dag_id, ("dag_id",), "DAG")

    def task(self, task_id: str, dag_id: str) -> Place:
        """Return where a task is defined; its DAG's place where that can't be told."""
        found = self._defined(task_id.rpartition(".")[2], ("task_id",), "")
        return self.dag(dag_id) if found == Place(1, 1) else found

    def at_parse(self) -> list[tuple[Place, str, str]]:
        """Return the calls that reach out at every parse: where, which, and what they do."""
        found = []
        for place, name in self._calls():
            what = _described(name)
            if what:
                found.append((place, name, what))
        return found

    def unstable(self) -> list[tuple[Place, str]]:
        """Return the calls at parse time that give another value each time."""
        return [(place, name) for place, name in self._calls() if _within(name, UNSTABLE)]

    def _defined(self, name: str, keywords: tuple[str, ...], first: str) -> Place:
        """Where something is defined by a function's name, a keyword, or a first argument."""
        function = self._functions.get(name)
        if function and function.decorator_list:
            return _head(function)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                given = [each.value for each in node.keywords if each.arg in keywords]
                if first and self._name(node.func).rpartition(".")[2] == first:
                    given += node.args[:1]
                if any(isinstance(each, ast.Constant) and each.value == name for each in given):
                    return Place(node.lineno, node.end_lineno or node.lineno)
        # A decorator may give the function another name than its own.
        for function in self._functions.values():
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and any(
                    each.arg in keywords
                    and isinstance(each.value, ast.Constant)
                    and each.value.value == name
                    for each in decorator.keywords
                ):
                    return _head(function)
        return Place(1, 1)

    def _calls(self) -> Iterator[tuple[Place, str]]:
        """The calls that are made whenever the file is parsed, by their full names."""
        seen: set[str] = set()
        waiting: list[ast.AST] = list(self._tree.body)
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                waiting += [*node.decorator_list, *node.args.defaults]
                if any(self._name(each) in LAYOUT for each in node.decorator_list):
                    waiting += node.body
                continue
            if isinstance(node, ast.Lambda) or _as_program(node):
                continue
            if isinstance(node, ast.Call):
                yield Place(node.lineno, node.end_lineno or node.lineno), self._name(node.func)
                # A plain function that is called here is parse time, too; a task's is not.
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                function = self._functions.get(name)
                if function and not function.decorator_list and name not in seen:
                    seen.add(name)
                    waiting += function.body
            waiting += ast.iter_child_nodes(node)

    def _name(self, node: ast.AST) -> str:
        """The full dotted name of what is called or decorates, as far as imports tell it."""
        if isinstance(node, ast.Call):
            return self._name(node.func)
        if isinstance(node, ast.Attribute):
            return f"{self._name(node.value)}.{node.attr}"
        return self._names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _head(function: ast.FunctionDef) -> Place:
    first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
    return Place(first, max(function.body[0].lineno - 1, function.lineno))


def _as_program(node: ast.AST) -> bool:
    """Whether it is the block that runs only when the file is started as a program."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _within(name: str, known: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in known)


def _described(name: str) -> str:
    """What a call reaches, if it does."""
    for known, what in CALLS.items():
        if _within(name, (known,)):
            return what
    # A hook alone reaches nothing, but nobody makes one for nothing.
    hook = any(part.endswith("Hook") and part != "BaseHook" for part in name.split("."))
    return "a hook is used" if hook else ""
