"""A DAG that somebody pushes by git appears and runs, and no later make up loses it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.cli.airflow_api import AirflowApi
from infra.cli.arrival import wait_for_dag
from infra.cli.platform import Platform
from infra.cli.runs import RunReport
from infra.errors import UpdraftError
from infra.root import ROOT
from tests.cluster import support

NAME = "pushed_by_git"
TEXT = f'''"""Says that it arrived."""

from airflow.sdk import dag, task


@dag(schedule=None)
def {NAME}():
    """Arrive."""

    @task
    def arrive():
        print("arrived by git")

    arrive()


{NAME}()
'''


def test_a_dag_pushed_by_git_appears_and_runs(
    platform: Platform, api: AirflowApi, tmp_path: Path
) -> None:
    assert api.dag(NAME) is None
    support.push_by_git(platform, tmp_path, {f"{NAME}.py": TEXT})
    wait_for_dag(api, NAME, print)
    api.unpause(NAME)
    report = support.finish(platform, api, RunReport(NAME, api.trigger(NAME)))
    assert report.state == "success", report.counts()
    [pod] = report.pods.values()
    assert "arrived by git" in platform.watcher(api).log(pod.name)


def test_a_push_of_the_folder_keeps_what_others_pushed(platform: Platform) -> None:
    assert "nothing new" in support.command("push-dags")
    with platform.git_remote() as remote:
        url = remote.url.replace("//", f"//{remote.username}:{remote.password}@")
        assert support.git("ls-remote", url, "main", cwd=ROOT)


def test_nobody_pushes_without_the_password(platform: Platform, tmp_path: Path) -> None:
    with platform.git_remote() as remote:
        url = remote.url.replace("//", "//somebody:wrong@")
        done = subprocess.run(
            ["git", "-c", "credential.helper=", "clone", "-q", url, str(tmp_path / "x")],
            env={"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    print(done.stderr)
    assert done.returncode != 0
    assert "Authentication failed" in done.stderr


def test_an_unreachable_remote_is_refused_and_the_platform_goes_on(
    platform: Platform, api: AirflowApi
) -> None:
    remote = "http://git.example.com/dags.git"
    done = support.attempt("up", "--set", f"dags.server=null dags.repository={remote}")
    print(done.stdout)
    assert done.returncode == 1
    assert "the git remote can't be reached from the embedded cluster" in done.stdout
    report = support.finish(platform, api, RunReport(NAME, api.trigger(NAME)))
    assert report.state == "success", report.counts()


def test_a_folder_that_is_none_is_refused(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(UpdraftError, match="folder of DAGs is missing"):
        platform.push_dags(tmp_path / "nowhere")
