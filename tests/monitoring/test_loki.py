"""The Loki that is built here refuses the stores that were left out of it, and says what did it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.licences import go_modules
from infra.licences.table import PAGE, parse
from monitoring import loki
from monitoring.options import Options

Find = Callable[[str], Path]
LEFT_OUT = "Updraft built this Loki without"
# Of the clouds' own software kits, and of SQLite, by their modules.
KITS = ("cloud.google.com/", "github.com/Azure/", "github.com/aws/", "github.com/IBM/",
        "github.com/aliyun/", "github.com/baidubce/", "github.com/gocql/", "github.com/ncw/",
        "google.golang.org/api", "modernc.org/sqlite")  # fmt: skip


def refusal(program: Path, folder: Path, changes: dict[str, Any]) -> str:
    """What Loki says of the platform's configuration with other values at some of its paths."""
    config = loki.config(Options(), storage=str(folder / "data"))
    config["server"] |= {"http_listen_address": "127.0.0.1", "http_listen_port": 0}
    config["server"] |= {"grpc_listen_port": 0}
    for path, value in changes.items():
        *way, last = path.split(".")
        inner: Any = config
        for each in way:
            inner = inner[int(each) if isinstance(inner, list) else each]
        inner[last] = value
    file = folder / "loki.yaml"
    file.write_text(yaml.safe_dump(config))
    ran = subprocess.run(
        [program, f"-config.file={file}"], capture_output=True, text=True, timeout=60, check=False
    )
    print(ran.returncode, ran.stderr[-1500:])
    assert ran.returncode not in {0, -9}
    return ran.stderr + ran.stdout


@pytest.mark.parametrize(
    ("changes", "store"),
    [
        ({"schema_config.configs.0.object_store": "s3"}, "S3 and DynamoDB"),
        ({"schema_config.configs.0.object_store": "gcs"}, "Google's stores"),
        ({"schema_config.configs.0.object_store": "azure"}, "Azure's blob store"),
        ({"common.storage": {"s3": {"bucketnames": "lines"}}}, "S3 and DynamoDB"),
        ({"storage_config": {"object_store": {"s3": {"bucket_name": "lines"}}}}, "S3"),
        ({"compactor.delete_request_store_db_type": "sqlite"}, "SQLite"),
    ],
)
def test_a_store_that_was_left_out_is_refused_by_name(
    tool: Find, tmp_path: Path, changes: dict[str, Any], store: str
) -> None:
    assert f"{LEFT_OUT} {store} (tools/loki/without)" in refusal(tool("loki"), tmp_path, changes)


def test_no_clouds_kit_is_in_it() -> None:
    packages = parse(PAGE.read_text()).packages
    made_of = [one.name for one in packages if one.kind == go_modules.KIND and "loki" in one.images]
    print(len(made_of), [name for name in made_of if name.startswith(KITS)])
    assert len(made_of) > 100
    assert not [name for name in made_of if name.startswith(KITS)]
