"""What git-sync logs in with: Secrets in both namespaces, since pods of both fetch DAGs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from infra.components.base import SecretArgs, drawn, secret
from infra.components.namespaces import Namespaces
from infra.settings import Settings
from infra.values import names


@dataclass(frozen=True)
class GitAccessArgs:
    """The settings, and the namespaces in which the Secrets lie."""

    settings: Settings
    namespaces: Namespaces


class GitAccess(pulumi.ComponentResource):
    """The Secrets, as `secrets`; none for an open remote or existing ones."""

    def __init__(
        self, name: str, args: GitAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("updraft:infra:GitAccess", name, None, opts)
        self.secrets: list[pulumi.Resource] = []
        dags = args.settings.dags
        given, ssh = dags.credentials, dags.ssh
        if dags.server:
            password = random.RandomPassword(
                f"{name}-password",
                length=32,
                special=False,
                opts=drawn(self),
            )
            self._both(name, args, names.GIT_CREDENTIALS, _login(names.GIT_USER, password.result))
        elif given and given.username and given.token:
            token = given.token.get_secret_value()
            self._both(name, args, names.GIT_CREDENTIALS, _login(given.username, token))
        elif ssh and ssh.private_key:
            key = ssh.private_key.get_secret_value()
            # ssh refuses a key whose last line does not end.
            self._both(name, args, names.GIT_SSH_KEY, {"gitSshKey": key.rstrip("\n") + "\n"})
        self.register_outputs({})

    def _both(
        self, name: str, args: GitAccessArgs, secret_name: str, values: dict[str, pulumi.Input[str]]
    ) -> None:
        chosen = args.settings.namespaces
        for role, namespace, after in (
            ("airflow", chosen.airflow, args.namespaces.airflow),
            ("tasks", chosen.tasks, args.namespaces.tasks),
        ):
            options = pulumi.ResourceOptions(parent=self, depends_on=after)
            where = SecretArgs(secret_name, namespace, values)
            self.secrets.append(secret(f"{name}-{role}", where, options))


def _login(username: str, password: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    # The chart asks for the names of git-sync 3 and 4.
    return {
        "GIT_SYNC_USERNAME": username,
        "GITSYNC_USERNAME": username,
        "GIT_SYNC_PASSWORD": password,
        "GITSYNC_PASSWORD": password,
    }
