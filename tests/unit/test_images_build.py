"""An image's tag follows its content, and a host's settings reach a build without staying in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from infra.errors import UpdraftError
from infra.images import NAMES, content_hash, engines, host, recipes
from infra.local import mounts
from infra.root import ROOT, TERMS


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what images are made of."""
    for name in TERMS:
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in ("docs/runbooks", "images", "operators", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_the_same_content_has_the_same_hash_anywhere(name: str, checkout: Path) -> None:
    (checkout / "images" / name / "__pycache__").mkdir()
    (checkout / "images" / name / "__pycache__" / "x.pyc").touch()
    (checkout / "requirements" / "dev.in").write_text("pytest\n")
    assert content_hash(name, "base", checkout) == content_hash(name, "base")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("airflow", "requirements/airflow.txt"),
        ("airflow", "operators/updraft/plugin.py"),
        ("airflow", "docs/runbooks/Watchdog.md"),
        ("airflow", "images/airflow/entrypoint"),
        ("postgres", "images/postgres/Containerfile"),
        ("git-sync", "images/git-sync/git-sync"),
        ("git-server", "images/git-server/lighttpd.conf"),
        ("alertmanager", "images/alertmanager/Containerfile"),
    ],
)
def test_each_change_changes_the_hash_of_that_image_alone(
    name: str, changed: str, checkout: Path
) -> None:
    before = {each: content_hash(each, "base", checkout) for each in NAMES}
    with (checkout / changed).open("a") as file:
        file.write("\n")
    changed_names = [each for each in NAMES if content_hash(each, "base", checkout) != before[each]]
    assert changed_names == [name]


def test_mode_name_and_base_count_too(checkout: Path) -> None:
    hashes = [content_hash("airflow", "base", checkout), content_hash("airflow", "other", checkout)]
    (checkout / "images/airflow/probe").chmod(0o644)
    hashes.append(content_hash("airflow", "base", checkout))
    (checkout / "operators/updraft/plugin.py").rename(checkout / "operators/updraft/plugins.py")
    hashes.append(content_hash("airflow", "base", checkout))
    assert len(set(hashes)) == len(hashes)


def test_an_unknown_image_is_an_error_that_names_the_known() -> None:
    with pytest.raises(UpdraftError, match="no image") as caught:
        content_hash("redis", "base")
    assert "git-sync" in caught.value.fix


@pytest.mark.parametrize("name", NAMES)
def test_the_context_holds_all_that_the_containerfile_copies(name: str, tmp_path: Path) -> None:
    recipes.stage(name, tmp_path / "context")
    text = (tmp_path / "context" / recipes.containerfile(name)).read_text().replace("\\\n", " ")
    copies = re.findall(r"^COPY (.*)$", text, re.MULTILINE)
    sources = [
        word
        for copy in copies
        if "--from=" not in copy
        for word in copy.split()[:-1]
        if not word.startswith("--")
    ]
    staged = {path.name for path in (tmp_path / "context").rglob("*") if path.is_file()}
    print(sources)
    assert sources or staged == {"Containerfile"}
    assert [each for each in sources if not (tmp_path / "context" / each).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_step_that_downloads_gets_the_hosts_settings_as_secrets(name: str) -> None:
    text = (ROOT / recipes.containerfile(name)).read_text().replace("\\\n", " ")
    steps = [step for step in re.findall(r"^RUN (.*)$", text, re.MULTILINE) if "install" in step]
    downloading = [step for step in steps if "--offline" not in step]
    assert downloading
    for step in downloading:
        mounted = set(re.findall(r"--mount=type=secret,id=(\w+)", step))
        assert mounted >= ({"apt", "ca", "sources"} if "apt-get" in step else {"ca", "index"}), step
    assert not re.search(r"^(ARG|ENV) .*(PROXY|INDEX_URL|CERT)", text, re.MULTILINE | re.IGNORECASE)


def test_pips_settings_become_uvs_too(tmp_path: Path) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text(
        "[global]\nindex-url = https://pypi.example.com/simple\n"
        "extra-index-url =\n  https://one.example.com\n  https://two.example.com\n"
    )
    environment = {"PIP_CONFIG_FILE": str(conf), "HTTPS_PROXY": "http://proxy.example.com:3128"}
    found = host.index(bundle=True, environment=environment)
    print(found)
    assert found["UV_DEFAULT_INDEX"] == found["PIP_INDEX_URL"] == "https://pypi.example.com/simple"
    assert found["UV_INDEX"] == "https://one.example.com https://two.example.com"
    assert found["HTTPS_PROXY"] == "http://proxy.example.com:3128"
    assert found["SSL_CERT_FILE"] == found["PIP_CERT"] == "/run/secrets/ca"


def test_a_variable_goes_before_a_file(tmp_path: Path) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://file.example.com\n")
    environment = {"PIP_CONFIG_FILE": str(conf), "PIP_INDEX_URL": "https://variable.example.com"}
    assert host.index(False, environment)["UV_DEFAULT_INDEX"] == "https://variable.example.com"


def test_the_ca_bundle_is_the_one_that_the_host_names(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificate")
    missing = str(tmp_path / "missing.pem")
    environment = {"SSL_CERT_FILE": missing, "REQUESTS_CA_BUNDLE": str(bundle)}
    assert host.ca_bundle(environment) == bundle


DEB822 = """Types: deb
URIs: https://mirror.example.com/debian/
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb
URIs: https://mirror.example.com/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """# a comment
deb [arch=amd64] https://mirror.example.com/debian/ bookworm main non-free-firmware
deb https://mirror.example.com/debian-security bookworm-security main
deb-src https://source.example.com/debian bookworm main
"""
FOREIGN = "deb https://packages.example.com/apt stable main\n"


@pytest.mark.parametrize(
    "files",
    [
        {"sources.list.d/debian.sources": DEB822, "sources.list.d/x.list": FOREIGN},
        {"sources.list": ONE_LINE},
    ],
)
def test_the_images_come_from_the_hosts_mirrors(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    for name, text in files.items():
        (tmp_path / "apt" / name).write_text(text)
    found = host.debian_sources(tmp_path)
    print(*found, sep="\n")
    own = "https://mirror.example.com/debian"
    assert [line.split()[3] for line in found] == ["trixie", "trixie-updates", "trixie-security"]
    assert found[0].split()[2].rstrip("/") == own
    assert found[2].split()[2] == f"{own}-security"


@pytest.mark.parametrize(
    ("distribution", "text"), [("ubuntu", ONE_LINE), ("debian", FOREIGN), ("debian", "")]
)
def test_where_the_host_names_no_mirror_of_debian_apts_own_serve(
    distribution: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "apt").mkdir()
    (tmp_path / "os-release").write_text(f"ID={distribution}\n")
    (tmp_path / "apt" / "sources.list").write_text(text)
    assert host.debian_sources(tmp_path) == []


def test_a_build_that_fails_says_why_and_where_its_log_is(tmp_path: Path) -> None:
    program = engines.find()
    if program is None:
        pytest.skip("no buildah, podman or docker here: a failing build was NOT tried")
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY nonesuch /\n")
    engine = engines.Engine(program, tmp_path / "store")
    recipe = engines.Recipe(
        "localhost/updraft/failing:1", tmp_path, tmp_path / "Containerfile", {}, {}
    )
    log = tmp_path / "build.log"
    try:
        with pytest.raises(UpdraftError, match="nonesuch") as caught:
            engine.build(recipe, log, print)
        print(caught.value)
        assert caught.value.where == str(log)
        assert not engine.has(recipe.reference)
    finally:
        engine.clean()
        mounts.release(tmp_path)
    assert not mounts.below(tmp_path)
