"""Running a program without Pulumi's engine: order, names, keys and refusals."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.render import REDACTED, Manifest, render, write
from tests.render.variants import EMBEDDED, settings

HEAD = """
import pulumi, pulumi_kubernetes as k8s, pulumi_random as random
def pod():
    return {"spec": {"containers": [{"name": "x", "image": "x:1"}], "restartPolicy": "Never"}}
def job(name, *after, **more):
    return k8s.batch.v1.Job(name, metadata={"name": name, "namespace": "a"},
        spec={"template": pod()}, opts=pulumi.ResourceOptions(depends_on=list(after), **more))
def config(name, data, *after):
    return k8s.core.v1.ConfigMap(name, metadata={"name": name, "namespace": "a"}, data=data,
        opts=pulumi.ResourceOptions(depends_on=list(after)))
"""


class Program:
    """A program of a test's own and a key store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = KeyStore(folder / "keys" / "keys.json")

    def render(self, body: str, **config: object) -> list[Manifest]:
        """Render the program with this body."""
        (self.folder / "__main__.py").write_text(HEAD + body)
        return render(config, helm=Path("/no/helm"), keys=self.keys, program=self.folder)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_what_depends_on_a_job_comes_in_a_later_wave(program: Program) -> None:
    found = program.render("""
class Both(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("t:t:Both", "both")
        self.inner = job("inner", parent=self)
        self.register_outputs({})
first = config("first", {})
migrate = job("migrate", first)
config("after-job", {}, migrate)
config("after-config", {}, first)
config("after-component", {}, Both())
config("by-output", {"uid": migrate.metadata.name})
""")
    waves = {one.identity.name: one.wave for one in found}
    print(waves)
    assert waves == {
        "first": 0,
        "after-config": 0,
        "migrate": 0,
        "inner": 0,
        "after-job": 1,
        "after-component": 1,
        "by-output": 1,
    }
    assert [one.wave for one in found] == sorted(one.wave for one in found)


def test_keys_are_made_once_and_only_for_their_owner(program: Program) -> None:
    body = """
password = random.RandomPassword("password", length=24, special=False, min_numeric=2)
fernet = random.RandomBytes("fernet", length=32)
k8s.core.v1.Secret("s", metadata={"name": "s", "namespace": "a"},
    string_data={"password": password.result, "fernet": fernet.base64})
"""
    first, second = program.render(body), program.render(body.replace("length=24", "length=30"))
    assert first == second
    assert len(list(program.keys.secrets())) == 3
    mode = stat.S_IMODE(program.keys.path.stat().st_mode)
    assert mode == 0o600, oct(mode)
    values = program.keys.read()["random:index/randomPassword:RandomPassword::password"]
    assert len(values["result"]) == 24
    assert values["result"].isalnum()


def test_a_key_outside_of_a_secret_is_refused(program: Program) -> None:
    with pytest.raises(UpdraftError, match="ConfigMap leak in a holds a value that belongs"):
        program.render("""
password = random.RandomPassword("password", length=24)
config("leak", {"url": pulumi.Output.concat("postgresql://x:", password.result, "@host/db")})
""")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("k8s.core.v1.ConfigMap('x', data={})", "without apiVersion, kind or a name of its own"),
        ("config('x', {}); k8s.core.v1.ConfigMap('y', metadata={'name': 'x', 'namespace': 'a'})",
         "ConfigMap x in a is stated twice"),
        ("random.RandomPet('pet')", "randomPet"),
        ("k8s.core.v1.ConfigMap.get('x', 'a/x')", "reads kubernetes:core/v1:ConfigMap"),
        ("raise RuntimeError('broken program')", "broken program"),
        ("from infra.errors import UpdraftError\nraise UpdraftError('wrong key', fix='this way')",
         "wrong key"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_told(program: Program, body: str, wanted: str) -> None:
    with pytest.raises(UpdraftError) as caught:
        program.render(body)
    print(caught.value)
    assert wanted in str(caught.value)


def test_an_encrypted_setting_is_told(program: Program) -> None:
    with pytest.raises(UpdraftError) as caught:
        program.render("", dags={"credentials": {"token": {"secure": "v1:abc"}}})
    print(caught.value)
    assert caught.value.where == "updraft:dags.credentials.token"


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        ({"dags": {"serverr": {}}}, "updraft:dags.serverr"),
        ({"tasks": {"quota": {"pods": "many"}}}, "updraft:tasks.quota.pods"),
        ({"nonsense": {}}, "updraft:nonsense"),
        ({"namespaces": {"tasks": "airflow"}}, "updraft:namespaces"),
        ({"image": {"tag": "a b"}}, "updraft:image.tag"),
    ],
)
def test_a_mistake_in_the_settings_is_named(
    helm: Path, keys: KeyStore, overrides: dict[str, Any], wanted: str
) -> None:
    config = settings("local")
    for area, values in overrides.items():
        config[area] = {**dict(config.get(area) or {}), **values}  # type: ignore[call-overload]
    with pytest.raises(UpdraftError) as caught:
        render(config, helm=helm, keys=keys)
    print(caught.value)
    assert wanted in str(caught.value)


def test_a_damaged_key_file_is_told_and_kept(program: Program) -> None:
    program.keys.path.parent.mkdir()
    program.keys.path.write_text('{"resources": {"x": ["s3cr3t-value"')
    with pytest.raises(UpdraftError) as caught:
        program.render("random.RandomPassword('password', length=24)")
    print(caught.value)
    assert "damaged" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" in program.keys.path.read_text()


def test_files_are_one_an_object_and_redacted(
    keys: KeyStore, tmp_path: Path, rendered: Any
) -> None:
    manifests = rendered("local", EMBEDDED)
    paths = write(manifests, tmp_path)
    text = "".join(path.read_text() for path in paths)
    assert len(set(paths)) == len(manifests)
    assert text.count(REDACTED) >= 8
    assert not [secret for secret in keys.secrets() if secret in text]
    for path, one in zip(paths, manifests, strict=True):
        read = yaml.safe_load(path.read_text())
        assert read == dict(one) or one["kind"] == "Secret", path
        assert read["metadata"] == one["metadata"]
    numbers = [int(path.name[:2]) for path in paths]
    assert numbers == sorted(numbers)
    assert paths[0].name.startswith("00-namespace-")


def test_secrets_are_written_when_asked_for_their_owner_alone(
    tmp_path: Path, rendered: Any
) -> None:
    manifests = rendered("local", EMBEDDED)
    write(manifests, tmp_path)
    paths = write(manifests, tmp_path, secrets=True)
    seen = 0
    for path, one in zip(paths, manifests, strict=True):
        assert yaml.safe_load(path.read_text()) == dict(one)
        if one["kind"] == "Secret":
            seen += 1
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen >= 8


def test_only_files_of_an_older_render_are_removed(tmp_path: Path, rendered: Any) -> None:
    manifests = rendered("local", EMBEDDED)
    write(manifests, tmp_path)
    foreign = tmp_path / "99-configmap-mine.yaml"
    foreign.write_text("kind: ConfigMap\n")
    left = write(manifests[:3], tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*left, foreign])
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / left[0].name).write_text("mine\n")
    with pytest.raises(UpdraftError, match="hasn't written is in the way"):
        write(manifests[:3], blocked)
