"""The links of Airflow's UI, from the settings to the option that the package reads."""

from __future__ import annotations

import configparser
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.dev import platform_options
from infra.settings import Settings, load
from infra.settings.stack import merge, read
from infra.values import config, links
from infra.values.airflow import values
from infra.values.image import ImageReference
from monitoring import dashboards
from monitoring.options import Options
from tests.ssh import known_hosts, private_key

SSH = {
    "privateKey": private_key(),
    "knownHosts": known_hosts("github.com", "bitbucket.org", "[gitlab.example.com]:2222"),
}


def settings(change: dict[str, Any] | None = None) -> Settings:
    return load(merge(read("local"), change or {}))


def on(repository: str, **below: Any) -> Settings:
    dags = {"server": None, "repository": repository, **below}
    if "://" not in repository or repository.startswith("ssh"):
        dags["ssh"] = SSH
    return settings({"dags": dags})


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/blob/{commit}/dags/{file}"),
        ("git@github.com:o/r.git", "https://github.com/o/r/blob/{commit}/dags/{file}"),
        (
            "ssh://git@gitlab.example.com:2222/a/b/r.git",
            "https://gitlab.example.com/a/b/r/-/blob/{commit}/dags/{file}",
        ),
        (
            "https://gitea.example.com:3000/o/r/",
            "https://gitea.example.com:3000/o/r/src/commit/{commit}/dags/{file}",
        ),
        ("https://codeberg.org/o/r", "https://codeberg.org/o/r/src/commit/{commit}/dags/{file}"),
        ("git@bitbucket.org:o/r.git", "https://bitbucket.org/o/r/src/{commit}/dags/{file}"),
        ("https://git.example.com/github/dags.git", None),
    ],
)
def test_a_known_host_of_repositories_gives_the_link_to_the_source(
    repository: str, expected: str | None
) -> None:
    assert links.option(on(repository))["source"] == expected


def test_the_repository_inside_the_cluster_has_no_page_to_link_to() -> None:
    assert links.option(settings())["source"] is None


def test_a_setting_goes_before_the_host_and_an_empty_one_switches_off() -> None:
    dags = {"server": None, "repository": "https://github.com/o/r", "subPath": "a b"}
    given = settings({"dags": dags, "links": {"source": "https://x.example.com/{commit}/{file}"}})
    assert links.option(given)["source"] == "https://x.example.com/{commit}/a%20b/{file}"
    assert not links.option(settings({"dags": dags, "links": {"source": ""}}))["source"]


@pytest.mark.parametrize(
    ("sub_path", "expected"),
    [
        ("dags", "https://github.com/o/r/tree/{version}/dags"),
        (".", "https://github.com/o/r/tree/{version}/"),
    ],
)
def test_airflow_gets_the_address_of_a_bundles_version(sub_path: str, expected: str) -> None:
    chosen = on("https://github.com/o/r.git", subPath=sub_path)
    assert links.folder(chosen) == expected
    (bundle,) = json.loads(config.control_plane(chosen)["dag_processor"]["dag_bundle_config_list"])
    assert bundle["kwargs"] == {"view_url_template": expected}


def test_logs_and_dashboard_lead_to_grafana_where_there_is_one() -> None:
    url = "https://grafana.example.com/g"
    found = links.option(settings({"monitoring": {"grafana": {"url": url}}}))
    shipped = {
        dashboard["uid"]: {variable["name"] for variable in dashboard["templating"]["list"]}
        for dashboard in dashboards.build(Options()).values()
    }
    for name in ("logs", "dashboard"):
        parts = urlsplit(str(found[name]))
        print(name, parts)
        assert parts.geturl().startswith(f"{url}/d/")
        chosen = {key.removeprefix("var-") for key in parse_qs(parts.query) if "var-" in key}
        assert chosen >= {"dag_id", "task_id"}
        assert chosen <= shipped[parts.path.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("base", "page"),
    [
        (None, "/plugin/platform/platform/"),
        ("https://data.example.com", "/plugin/platform/platform/"),
        ("https://data.example.com/flow", "/flow/plugin/platform/flow/platform/"),
    ],
)
def test_without_grafana_they_lead_to_the_platform_page(base: str | None, page: str) -> None:
    found = links.option(settings({"airflow": {"baseUrl": base}}))
    print(found)
    assert str(found["logs"]).startswith(f"{page}?dag_id={{dag_id}}&task_id={{task_id}}&run_id=")
    assert found["dashboard"] == f"{page}?dag_id={{dag_id}}&task_id={{task_id}}#resources"


def test_a_link_of_a_teams_own_goes_before_ours_of_that_name() -> None:
    extra = [{"name": "Logs", "url": "https://logs.example.com/{dag_id}"}]
    found = links.option(settings({"links": {"extra": extra}}))
    assert found["logs"] is None
    assert found["dashboard"]
    assert found["extra"] == extra


def test_make_dev_links_to_its_own_page() -> None:
    found = json.loads(platform_options.variables("prod")["AIRFLOW__UPDRAFT__LINKS"])
    assert found == links.to_page()


def test_a_pods_link_ends_with_the_pod_unless_history_is_kept() -> None:
    assert links.option(settings())["podMinutes"] == 60
    assert links.option(settings({"tasks": {"keepFinishedPods": 0}}))["podMinutes"] == 0
    history = {"pod": "https://pods.example.com/{pod}", "podHistory": True}
    assert links.option(settings({"links": history}))["podMinutes"] is None


def test_a_template_reaches_airflow_as_it_was_written() -> None:
    url = "https://x.example.com/?q=%7Bpod%3D%22{pod}%22%7D&home=$HOME&t={task_id}"
    extra = [{"name": "Logs at 100%", "url": url}]
    chosen = settings({"links": {"extra": extra}})
    # As Airflow reads it: with interpolation, and with variables of the environment expanded.
    parser = configparser.ConfigParser()
    parser.read_string(config.as_file(config.control_plane(chosen)))
    found = parser["updraft"]["links"]
    print(found)
    assert "$" not in found
    assert json.loads(found)["extra"] == extra
    chart: Any = values(chosen, ImageReference("localhost/airflow", "1"))["config"]
    assert json.loads(chart["updraft"]["links"])["extra"] == extra


def test_a_task_pods_bundle_refuses_another_commit_and_the_dag_processors_follows() -> None:
    (follows,) = json.loads(
        config.control_plane(settings())["dag_processor"]["dag_bundle_config_list"]
    )
    (once,) = json.loads(config.task(settings())["dag_processor"]["dag_bundle_config_list"])
    print(follows, once, sep="\n")
    assert follows["name"] == once["name"] == "dags-folder"
    assert "one_time" not in follows["kwargs"]
    assert once["kwargs"]["one_time"] is True
