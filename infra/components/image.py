"""The Airflow image: built and pushed by BuildKit where the stack says so, else named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from infra.settings.image import Build, RegistryLogin
from infra.settings.image import Image as ImageSettings
from infra.values.image import ImageReference

if TYPE_CHECKING:
    import pulumi_docker_build as docker_build

_IMAGE = "airflow"
_TAG_LENGTH = 12


@dataclass(frozen=True)
class ImageArgs:
    """The image's settings, and the checkout to build it from."""

    settings: ImageSettings
    root: Path


class Image(pulumi.ComponentResource):
    """The image of every Airflow container, as `reference`."""

    reference: pulumi.Output[ImageReference]

    def __init__(
        self, name: str, args: ImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:Image", name, None, opts)
        chosen = args.settings
        if chosen.build:
            built = self._built(name, args, chosen.build)
            self.reference = built.ref.apply(ImageReference.parse)
        else:
            named = ImageReference(chosen.repository, chosen.tag, chosen.digest)
            self.reference = pulumi.Output.from_input(named)
        self.register_outputs({"image": self.reference.apply(str)})

    def _built(self, name: str, args: ImageArgs, build: Build) -> docker_build.Image:
        # Only a stack that builds needs what a build needs.
        import pulumi_docker_build as docker_build  # noqa: PLC0415

        from infra.images.recipes import containerfile, content_hash, stage  # noqa: PLC0415

        # A copy of what goes in, for else the provider would hash the whole checkout.
        context = args.root / ".updraft" / "image"
        stage(_IMAGE, context, args.root)
        tag = content_hash(_IMAGE, build.base, args.root)[:_TAG_LENGTH]
        return docker_build.Image(
            f"{name}-build",
            context=docker_build.BuildContextArgs(location=str(context)),
            dockerfile=docker_build.DockerfileArgs(location=str(context / containerfile(_IMAGE))),
            build_args={"BASE": build.base},
            platforms=[docker_build.Platform(platform) for platform in build.platforms],
            tags=[f"{args.settings.repository}:{tag}"],
            registries=_logins(build.registry),
            push=True,
            # A preview must not need a registry or change one.
            build_on_preview=False,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _logins(login: RegistryLogin | None) -> list[docker_build.RegistryArgs]:
    if login is None:
        return []
    import pulumi_docker_build as docker_build  # noqa: PLC0415

    password = pulumi.Output.secret(login.password.get_secret_value())
    return [
        docker_build.RegistryArgs(address=login.address, username=login.username, password=password)
    ]
