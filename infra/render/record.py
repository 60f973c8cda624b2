"""Run a Pulumi program under the SDK's mock monitor and print each resource that it declares.

A program of its own (`python -m infra.render.record`), because Pulumi's SDK keeps its state in
globals: one interpreter serves one run. A JSON request on stdin, a JSON answer on stdout.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.proto import resource_pb2

from infra.errors import UpdraftError
from infra.keystore import KeyStore
from infra.render import random_values
from infra.render.resource import IMAGE, RELEASE, STACK, Resource


class Recorder(mocks.MockMonitor):
    """The SDK's mock monitor, with what it leaves out: dependencies, parents, options.

    Args:
        keys: Where random values are kept.
    """

    def __init__(self, keys: KeyStore) -> None:
        super().__init__(Refuse())
        self.keys = keys
        self.recorded: list[Resource] = []
        self.fault: UpdraftError | None = None

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the monitor's own name
        """Note a resource and answer as its provider would."""
        if request.type == STACK:
            return rpc_response(self.make_urn("", STACK, request.name), "", Struct())
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = plain_struct(request.object)
        try:
            identifier, state = self._answer(request, inputs)
        except UpdraftError as error:
            self.fault = self.fault or error
            raise
        depends = [*request.dependencies]
        for one in request.propertyDependencies.values():
            depends += one.urns
        self.recorded.append(
            Resource(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=inputs,
                dependencies=sorted(set(depends)),
                custom=bool(request.custom),
                retain=bool(request.retainOnDelete),
            )
        )
        self.resources[urn] = mocks.MockMonitor.ResourceRegistration(urn, identifier, state)
        answer = Struct()
        answer.update(state)
        return rpc_response(urn, identifier, answer)

    def _answer(self, request: Any, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = str(request.type)
        if not request.custom or kind.startswith("pulumi:providers:"):
            return request.name, inputs
        if kind.startswith("random:"):
            values = self.keys.take(
                f"{kind}::{request.name}", lambda: random_values.make(kind, inputs)
            )
            return request.name, {**inputs, **values}
        if kind == IMAGE:
            # Render builds nothing; the tag is the hash of what goes in, so it names the image.
            return request.name, {**inputs, "ref": inputs["tags"][0], "digest": ""}
        if kind == RELEASE:
            status = {"name": inputs.get("name"), "namespace": inputs.get("namespace")}
            return request.name, {**inputs, "status": status}
        if kind.startswith("kubernetes:"):
            metadata = inputs.get("metadata", {})
            return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".lstrip("/"), inputs
        raise UpdraftError(
            f"render knows no resource of the type {kind}",
            where=f"resource {request.name}",
            fix="use a Kubernetes resource, a Helm release or a value of pulumi-random",
        )


class Refuse(mocks.Mocks):
    """Answer to whatever would have to be looked up: a rendered program knows no cluster."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Refuse a provider's function."""
        raise UpdraftError(
            f"the program calls {args.token}, which needs a cluster or a provider",
            fix="state the value in the settings instead of looking it up",
        )

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        """Refuse a read of an existing resource."""
        raise UpdraftError(
            f"the program reads {args.typ} {args.name} from a cluster",
            fix="name the object in the settings instead of reading it",
        )


def rpc_response(urn: str, identifier: str, answer: Struct) -> Any:
    """Return the monitor's answer to a registration."""
    return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=answer)


def plain_struct(struct: Struct) -> dict[str, Any]:
    """Return a protocol buffer's struct as Python values, secrets unwrapped."""
    return {name: plain(value) for name, value in struct.fields.items()}


def plain(value: Value) -> Any:
    """Return a protocol buffer's value as a Python value, secrets unwrapped.

    Raises:
        UpdraftError: It is an asset, an archive or a reference to a resource.
    """
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if rpc._special_sig_key not in fields:
            return plain_struct(value.struct_value)
        if fields[rpc._special_sig_key].string_value == rpc._special_secret_sig:
            return plain(fields["value"])
        raise UpdraftError(
            "render takes no assets, archives or references between resources",
            fix="give the text itself",
        )
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "number_value":
        # Protocol buffers know doubles only; Kubernetes wants whole numbers whole.
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in {None, "null_value"} else getattr(value, kind)


def run(program: Path, project: str, stack_name: str, keys: KeyStore) -> list[Resource]:
    """Run the program's `__main__.py` as Pulumi's language host does and return its resources."""
    monitor = Recorder(keys)
    os.chdir(program)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(monitor.mocks, project, stack_name, preview=False, monitor=monitor)

    def whole() -> None:
        runpy.run_path(str(program / "__main__.py"), run_name="__main__")

    try:
        loop.run_until_complete(stack.run_pulumi_func(whole))
    except Exception as error:
        if monitor.fault is not None:
            raise monitor.fault from error
        raise
    finally:
        loop.close()
    return monitor.recorded


def environment(config: Mapping[str, Any], project: str, secret: list[str]) -> dict[str, str]:
    """Return the variables by which Pulumi's engine hands a program its settings."""
    flat = {f"{project}:{area}": json.dumps(value) for area, value in config.items()}
    return {
        "PULUMI_CONFIG": json.dumps(flat),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps([f"{project}:{area}" for area in secret]),
    }


def main() -> int:
    """Answer one request; exit code 3 says that the answer is a fault for the user to mend."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a program prints is for people, not part of the answer.
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    os.environ.update(environment(request["config"], request["project"], []))
    pulumi.runtime.set_all_config(json.loads(os.environ["PULUMI_CONFIG"]), [])
    try:
        resources = run(
            Path(request["program"]),
            request["project"],
            request["stack"],
            KeyStore(Path(request["keys"])),
        )
    except UpdraftError as error:
        json.dump({"what": error.what, "where": error.where, "fix": error.fix}, answer)
        answer.close()
        return 3
    json.dump(resources, answer)
    answer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
