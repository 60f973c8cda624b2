"""Options of airflow.cfg: who may read which, and that Airflow finds those in variables."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import UpdraftError
from infra.settings import Settings, described, load
from infra.settings.stack import merge, read
from infra.values import config, options
from tests.unit import airflow_described

UNKNOWN = {"acme": {"endpoint": "https://acme.example.com", "rate": "100%%"}}


def settings(config_: dict[str, Any], *tasks: str) -> Settings:
    more = {"airflow": {"config": config_}, "tasks": {"config": list(tasks)}}
    return load(merge(read("local"), more))


def test_the_list_of_harmless_options_is_what_airflow_describes() -> None:
    listed = described.HARMLESS_FILE.read_text().split()
    print(len(listed), "options")
    assert listed == airflow_described.harmless(), "python -m tests.unit.airflow_described"
    sensitive = {
        f"{section}.{option}"
        for section, option, about in airflow_described.described()
        if about.get("sensitive")
    }
    assert len(sensitive) >= 10
    assert sensitive.isdisjoint(listed)


def test_what_nobody_has_heard_of_is_in_no_configmap() -> None:
    chosen = settings(UNKNOWN)
    assert options.hidden(chosen) == {
        "AIRFLOW__ACME__ENDPOINT": "https://acme.example.com",
        "AIRFLOW__ACME__RATE": "100%",
    }
    for made in (config.control_plane(chosen), config.task(chosen)):
        assert "acme" not in made
    assert options.hidden_for_tasks(chosen) == {}


def test_what_is_known_to_be_harmless_stays_where_all_can_read_it() -> None:
    chosen = settings({"core": {"default_timezone": "utc"}, "scheduler": {"max_tis_per_query": 9}})
    assert options.hidden(chosen) == {}
    assert config.control_plane(chosen)["scheduler"]["max_tis_per_query"] == "9"
    assert config.task(chosen)["core"]["default_timezone"] == "utc"
    assert "scheduler" not in config.task(chosen)


def test_a_harmless_option_with_what_looks_like_a_key_is_hidden() -> None:
    key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0"
    chosen = settings({"email": {"subject_template": key}})
    assert options.hidden(chosen) == {"AIRFLOW__EMAIL__SUBJECT_TEMPLATE": key}
    assert key not in config.as_file(config.control_plane(chosen))


def test_tasks_get_what_the_settings_name_for_them() -> None:
    given = {**UNKNOWN, "scheduler": {"max_tis_per_query": "9", "job_heartbeat_sec": "5"}}
    chosen = settings(given, "acme.endpoint", "scheduler.max_tis_per_query")
    assert options.hidden_for_tasks(chosen) == {
        "AIRFLOW__ACME__ENDPOINT": "https://acme.example.com"
    }
    assert config.task(chosen)["scheduler"] == {"max_tis_per_query": "9"}


def test_what_tasks_read_and_do_not_get_is_known() -> None:
    given = {"smtp": {"smtp_user": "a", "smtp_host": "b"}, "acme": {"x": "y"}}
    assert config.withheld(settings(given)) == ["smtp.smtp_user"]
    assert config.withheld(settings(given, "smtp.smtp_user")) == []


def test_an_option_that_is_not_set_can_not_be_the_tasks() -> None:
    with pytest.raises(UpdraftError) as caught:
        settings(UNKNOWN, "acme.endpiont")
    print(caught.value)
    assert 'updraft:tasks.config: found "acme.endpiont"; allowed: options that' in caught.value.what
    assert "acme.endpoint, acme.rate" in caught.value.what


def test_airflow_finds_each_option_by_its_variable() -> None:
    from airflow.configuration import conf  # noqa: PLC0415 - it reads files when it is imported

    for section, option, _ in airflow_described.described():
        given = {section: {option: "x"}}
        (variable,) = options._variables(given)
        assert variable == conf._env_var_name(section, option)
