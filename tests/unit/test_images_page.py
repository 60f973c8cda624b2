"""The Platform page's chart library comes by its locked npm package, as this host reaches npm."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.images import content_hash, npm, page, recipes
from infra.root import ROOT


def test_the_lock_has_a_hash_for_each_package_and_names_no_registry() -> None:
    text = (page.LOCK / "package-lock.json").read_text()
    wanted = json.loads((page.LOCK / "package.json").read_text())["dependencies"]
    packages = {k: v for k, v in json.loads(text)["packages"].items() if k}
    print(packages)
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "resolved" not in text
    assert "://" not in text


def test_the_library_is_fetched_once_and_again_when_the_lock_changes(tmp_path: Path) -> None:
    said: list[str] = []
    try:
        library = page.ensure(said.append, tmp_path)
    except UpdraftError as error:
        pytest.skip(f"npm's registry is not reached, so nothing was fetched: {error}")
    first = hashlib.sha256(library.read_bytes()).hexdigest()
    page.ensure(said.append, tmp_path)
    assert len(said) == 1
    assert b"Apache Software Foundation" in library.read_bytes()
    assert {each.name for each in tmp_path.iterdir()} == {*page.TAKEN.values(), "lock.sha256"}
    library.write_text("of another version")
    (tmp_path / "lock.sha256").write_text("of another lock")
    page.ensure(said.append, tmp_path)
    assert len(said) == 2
    assert hashlib.sha256(library.read_bytes()).hexdigest() == first


def test_what_npm_refuses_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(UpdraftError, match="can't install it") as caught:
        page.ensure(print, tmp_path / "vendor")
    print(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    assert "tables" in caught.value.fix
    assert not (tmp_path / "vendor").exists()


def test_the_containerfile_takes_the_same_files() -> None:
    text = (ROOT / recipes.containerfile("airflow")).read_text()
    copied = dict(re.findall(r'cp "\$modules/([\w./]+)" "\$vendor/([\w.]+)"', text))
    print(copied)
    assert copied == page.TAKEN


def test_the_checkouts_copy_is_no_part_of_the_image(tmp_path: Path) -> None:
    staged = tmp_path / "context"
    recipes.stage("airflow", staged)
    assert (staged / "requirements/page/package-lock.json").exists()
    vendor = staged / page.VENDOR.relative_to(ROOT)
    assert not vendor.exists()
    before = content_hash("airflow", "base", staged)
    vendor.mkdir(parents=True)
    (vendor / "echarts.min.js").write_text("of the checkout")
    assert content_hash("airflow", "base", staged) == before


def test_npms_settings_of_files_and_variables_become_one(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "npmrc").write_text("cafile=/etc/of-the-host.pem\nstrict-ssl=true\n")
    (tmp_path / ".npmrc").write_text(
        "; mine\nregistry=https://file.example.com/\n"
        "//file.example.com/:_authToken = ${TOKEN}\n@team:registry=https://team.example.com/\n"
        "save-exact=true\nno separator\n"
    )
    environment = {"HOME": str(tmp_path), "TOKEN": "of-this-test"}
    assert npm.settings("/run/secrets/ca", environment, tmp_path).splitlines() == [
        "strict-ssl=true",
        "registry=https://file.example.com/",
        "//file.example.com/:_authToken=of-this-test",
        "@team:registry=https://team.example.com/",
        "cafile=/run/secrets/ca",
    ]
    environment["NPM_CONFIG_REGISTRY"] = "https://variable.example.com/"
    found = npm.settings(None, environment, tmp_path)
    print(found)
    assert "registry=https://variable.example.com/\n" in found
    assert "file.example.com/\n" not in found.replace("team.", "")
    assert "cafile" not in found


def test_npm_is_told_nothing_where_the_host_says_nothing(tmp_path: Path) -> None:
    assert npm.settings(None, {"npm_config_userconfig": str(tmp_path / "none")}, tmp_path) == ""
