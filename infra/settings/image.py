"""The Airflow image and the chart."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from infra import versions
from infra.settings.base import Area
from infra.settings.grammar.addresses import ChartAddress, Registry
from infra.settings.grammar.images import Digest, ImageReference, Repository, Tag
from infra.settings.grammar.kubernetes import SecretName
from infra.settings.grammar.text import Line, Secret, Version

PullPolicy = Literal["IfNotPresent", "Always", "Never"]


class RegistryLogin(Area):
    """How the build logs in to the registry that it pushes to."""

    address: Registry = Field(description="Registry's host, as in the image's repository.")
    username: Line = Field(description="User.")
    password: Secret = Field(description="Password or token (set it with `--secret`).")


class Build(Area):
    """That `pulumi up` builds images/airflow itself, by BuildKit, and pushes it."""

    base: ImageReference = Field(versions.DEBIAN_IMAGE, description="Base image.")
    platforms: tuple[Literal["linux/amd64", "linux/arm64"], ...] = Field(
        ("linux/amd64",), min_length=1, description="Platforms to build for."
    )
    registry: RegistryLogin | None = Field(
        None, description="Login; the build host's own Docker login if it is not set."
    )


class Image(Area):
    """The image of every Airflow container: built here, or named by tag or digest."""

    repository: Repository = Field(description="Repository, without a tag.")
    tag: Tag | None = Field(None, description="Tag; exactly one of tag, digest and build is set.")
    digest: Digest | None = Field(None, description="Digest, sha256:…")
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls it.")
    pull_secrets: tuple[SecretName, ...] = Field(
        (), description="Existing pull Secrets' names, in both namespaces."
    )
    build: Build | None = Field(None, description="Build and push it in `pulumi up`.")

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        given = [name for name in ("tag", "digest", "build") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"exactly one of tag, digest and build (here {found})")
        return self


class Chart(Area):
    """Where Airflow's Helm chart comes from."""

    path: Line | None = Field(
        None, description="Folder or .tgz of a chart to use in place of the repository's."
    )
    repository: ChartAddress = Field(
        versions.CHART_REPOSITORY, description="Helm repository of the official chart."
    )
    version: Version = Field(versions.CHART, description="Version in the repository.")
