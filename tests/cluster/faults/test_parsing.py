"""DAG files that can't be read, are slow, or don't arrive fire their alerts, which resolve."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli.platform import Platform
from infra.values import names
from tests.cluster import support
from tests.cluster.faults import causes
from tests.cluster.watching import Watch, scaled_down

GOOD = "from airflow.sdk import dag\n"
SLEEPS = f"import time\n{GOOD}time.sleep(17)\n"
# Airflow breaks a long import off by an error, which this one does not mind.
NEVER_ENDS = f"""import time
{GOOD}
for _ in range(3):
    try:
        time.sleep(60)
    except BaseException:
        pass
"""


def test_files_that_are_broken_slow_or_never_read_fire(
    platform: Platform, watch: Watch, tmp_path: Path
) -> None:
    fired = ("AirflowDagImportErrors", "AirflowDagParseTimeout", "AirflowDagParseSlow")
    pushes = iter(range(1000))

    def push(**texts: str) -> None:
        folder = tmp_path / str(next(pushes))
        folder.mkdir()
        files = {f"{name}.py": text for name, text in texts.items()}
        support.push_by_git(platform, folder, files)

    push(broken="from airflow.sdk import dag, nowhere\n", endless=NEVER_ENDS)

    try:
        # Each push is read anew: the waits of these tests are shorter than from one reading of a
        # file to the next.
        watch.wait_firing(*fired, meanwhile=lambda: push(slow=f"# {next(pushes)}\n{SLEEPS}"))
    finally:
        push(broken=GOOD, endless=GOOD, slow=GOOD)
    watch.end(*fired)


@pytest.mark.slow
def test_dags_that_do_not_arrive_fire(platform: Platform, watch: Watch) -> None:
    fired = ("AirflowDagBundleStale", "AirflowDagProcessorDown")
    with scaled_down(platform, platform.namespace, f"deployment/{names.DAG_PROCESSOR}"):
        causes.metadata(
            platform,
            "UPDATE dag_bundle SET last_refreshed = last_refreshed - interval '11 minutes'",
        )
        watch.wait_firing(*fired)
    watch.end(*fired)
