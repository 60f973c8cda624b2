"""A DAG in which every rule of the linter holds, and what the samples change in it."""

from __future__ import annotations

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
