"""Where DAGs come from."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra import versions
from infra.settings.base import Area
from infra.settings.grammar.git import Folder, GitRef, GitRemote, address_of
from infra.settings.grammar.images import ImageReference, Repository, Tag
from infra.settings.grammar.kubernetes import SecretName, Storage
from infra.settings.grammar.ssh import KnownHosts, PrivateKey, knows
from infra.settings.grammar.text import Line, Secret, matching

Duration = Annotated[
    str, AfterValidator(matching(r"[1-9][0-9]{0,3}[sm]", 'seconds or minutes, such as "10s"'))
]


class GitSync(Area):
    """The git-sync image."""

    repository: Repository = Field(versions.GIT_SYNC_REPOSITORY, description="Repository.")
    tag: Tag = Field(versions.GIT_SYNC_TAG, description="Tag.")


class Credentials(Area):
    """User and token of an https remote, or the Secret that holds them."""

    existing_secret: SecretName | None = Field(
        None,
        description="Secret in both namespaces with GITSYNC_USERNAME, GITSYNC_PASSWORD, "
        "GIT_SYNC_USERNAME and GIT_SYNC_PASSWORD.",
    )
    username: Line | None = Field(None, description="User.")
    token: Secret | None = Field(None, description="Token (set it with `--secret`).")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        pair = (self.username is not None, self.token is not None)
        if pair != ((False, False) if self.existing_secret else (True, True)):
            raise ValueError("either existingSecret, or username and token")
        return self


class Ssh(Area):
    """Deploy key of an ssh remote, and the host keys that it may talk to."""

    existing_secret: SecretName | None = Field(
        None, description="Secret in both namespaces with the key gitSshKey."
    )
    private_key: PrivateKey | None = Field(
        None, description="Private key (set it with `--secret`)."
    )
    known_hosts: KnownHosts = Field(
        description="Lines of known_hosts; without them anybody could be the remote."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.existing_secret is None) == (self.private_key is None):
            raise ValueError("exactly one of existingSecret and privateKey")
        return self


class GitServer(Area):
    """The git server inside the cluster that `make push-dags` pushes to."""

    image: ImageReference = Field(description="Image of images/git-server.")
    storage: Storage = Field("1Gi", description="Size of its volume.")


class Dags(Area):
    """The repository of DAGs, and how it is followed."""

    repository: GitRemote | None = Field(
        None, description="Remote; the in-cluster server's if server is set."
    )
    ref: GitRef = Field("main", description="Branch, tag or commit.")
    sub_path: Folder = Field("dags", description="Folder of DAGs in it.")
    depth: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1, description="Commits fetched; 0 for all."
    )
    period: Duration = Field("10s", description="How often the remote is asked.")
    git_sync: GitSync = Field(default_factory=GitSync, description="git-sync image.")
    credentials: Credentials | None = Field(None, description="For an https remote.")
    ssh: Ssh | None = Field(None, description="For an ssh remote.")
    server: GitServer | None = Field(None, description="Deploy a git server in the cluster.")

    @property
    def period_seconds(self) -> int:
        """How often the remote is asked, in seconds."""
        return int(self.period[:-1]) * {"s": 1, "m": 60}[self.period[-1]]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.repository is None and self.server is None:
            raise ValueError("repository, or server for the git server inside the cluster")
        if self.server and (self.repository or self.credentials or self.ssh):
            raise ValueError("server alone: it comes with a repository and credentials of its own")
        if self.server and self.ref.startswith("refs/"):
            raise ValueError("with server the short name of a branch as ref, such as main")
        if self.repository and not self.server:
            https = self.repository.startswith(("http://", "https://"))
            if https and self.ssh:
                raise ValueError("credentials, not ssh, for an http(s) repository")
            if not https and (self.ssh is None or self.credentials is not None):
                raise ValueError("ssh, and no credentials, for an ssh repository")
            self._remote_is_known(self.repository)
        return self

    def _remote_is_known(self, repository: str) -> None:
        host, port = address_of(repository)
        if self.ssh and not knows(self.ssh.known_hosts, host, port):
            raise ValueError(
                f"a line for {host}, port {port}, in ssh.knownHosts, or ssh refuses the remote; "
                f"`ssh-keyscan -p {port} {host}` prints one to compare with what its owner tells"
            )
