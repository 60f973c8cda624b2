"""One platform as the commands see it: its folders, choices, settings, cluster and Airflow."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from infra import settings
from infra.cli import choices as recorded
from infra.cli.airflow_api import AirflowApi
from infra.cli.choices import Choices
from infra.cli.dag_repository import Remote, Repository
from infra.cli.dags import Agreed, DagPusher, Pushed
from infra.cli.forward import forwarded
from infra.cli.options import Options
from infra.cli.runs import RunWatcher
from infra.errors import UpdraftError
from infra.images import programs
from infra.keystore import KeyStore
from infra.kubectl import Kubectl
from infra.local import tools
from infra.local.cluster import Cluster
from infra.local.paths import Paths
from infra.root import ROOT
from infra.settings import Settings, stack
from infra.values import names

DAGS = ROOT / "dags"
NODE_PORT = 30080
GIT_PORT = 80
WATCHING = (*programs.NAMES, "alertmanager")
Images = Mapping[str, str]


def split_reference(reference: str) -> dict[str, str]:
    """An image's repository and tag."""
    repository, _, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag}


def embedded_settings(paths: Paths, chosen: Choices) -> dict[str, Any]:
    """The settings that the cluster and this machine decide."""
    found: dict[str, Any] = {"chart": {"path": chosen.chart_path}} if chosen.chart_path else {}
    if not chosen.embedded_cluster:
        return found | {"cluster": {"context": chosen.context, "kubeconfig": None}}
    return found | {
        "cluster": {"context": paths.name, "kubeconfig": str(paths.kubeconfig)},
        "airflow": {
            "baseUrl": f"http://localhost:{chosen.ui_port}",
            "ui": {"serviceType": "NodePort", "nodePort": NODE_PORT},
        },
        "monitoring": {"logs": {"podLogs": str(paths.logs / "pods")}},
    }


def image_settings(images: Images, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that name images which were built here; of what the stack uses, and no more."""
    found: dict[str, Any] = {}
    for name, reference in images.items():
        if name == "airflow":
            found["image"] = {**split_reference(reference), "digest": None, "build": None}
        elif name == "postgres" and not (config.get("database") or {}).get("external"):
            found["database"] = {"internal": {"image": reference}}
        elif name == "git-sync":
            found.setdefault("dags", {})["gitSync"] = split_reference(reference)
        elif name == "git-server" and (config.get("dags") or {}).get("server") is not None:
            found.setdefault("dags", {})["server"] = {"image": reference}
        elif name in WATCHING:
            named = found.setdefault("monitoring", {}).setdefault("images", {})
            named[to_camel(name.replace("-", "_"))] = reference
    return found


@dataclass(frozen=True)
class Platform:
    """A platform that make up has made, or is making.

    Args:
        paths: Its folders.
        chosen: Its choices.
    """

    paths: Paths
    chosen: Choices

    @classmethod
    def recorded(cls, options: Options) -> Platform:
        """The platform of the options' instance.

        Raises:
            UpdraftError: make up was never run for it.
        """
        paths = Paths.for_instance(options.instance)
        chosen = recorded.read(paths.state)
        if chosen is None:
            raise UpdraftError(
                f"there is no platform {paths.instance} on this machine",
                where=str(paths.state),
                fix="make up makes it; INSTANCE=name names another one",
            )
        return cls(paths, chosen)

    @property
    def config(self) -> dict[str, Any]:
        """The stack's settings with what was chosen, built and set on top, by area."""
        base = stack.read(self.chosen.stack, embedded_settings(self.paths, self.chosen))
        built = stack.merge(base, image_settings(self.chosen.images, base))
        return stack.merge(built, self.chosen.overrides)

    @cached_property
    def settings(self) -> Settings:
        """The settings, checked."""
        return settings.load(self.config)

    @property
    def cluster(self) -> Cluster:
        """The embedded cluster."""
        return Cluster(self.paths)

    @property
    def keys(self) -> KeyStore:
        """The embedded engine's keys."""
        return KeyStore(self.paths.state / "keys.json")

    @cached_property
    def kubectl(self) -> Kubectl:
        """Kubectl on the platform's cluster, whatever else the settings say."""
        binary = tools.ensure(["kubectl"], lambda _: None)["kubectl"]
        cluster = self.config.get("cluster") or {}
        kubeconfig = Path(cluster["kubeconfig"]) if cluster.get("kubeconfig") else None
        context = str(cluster.get("context") or "")
        return Kubectl(binary, kubeconfig, context, here=self.chosen.embedded_cluster)

    @property
    def namespace(self) -> str:
        """The control plane's namespace."""
        return self.settings.namespaces.airflow

    @property
    def tasks_namespace(self) -> str:
        """The task pods' namespace."""
        return self.settings.namespaces.tasks

    @property
    def ui_address(self) -> str:
        """Where a user's browser finds the UI; empty where the stack names none."""
        return self.settings.airflow.base_url or ""

    def secret(self, name: str) -> dict[str, str]:
        """A Secret of the control plane, decoded."""
        found = self.kubectl.json("get", "secret", name, "-n", self.namespace)
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def administrator(self) -> tuple[str, str]:
        """The first administrator's name and password."""
        secret = self.secret(self.settings.keys.admin or names.ADMIN)
        return secret["username"], secret["password"]

    def has_airflow(self) -> bool:
        """Whether Airflow was deployed to it before, be it well or not."""
        which = ("deployment", names.API_SERVER, "-n", self.namespace)
        return bool(self.kubectl.run("get", *which, "--ignore-not-found", "-o", "name").strip())

    def reachable(self) -> None:
        """Make sure that the cluster answers.

        Raises:
            UpdraftError: It doesn't.
        """
        if not self.kubectl.reachable():
            raise UpdraftError(
                f"{self.chosen.cluster} does not answer",
                where=self.paths.instance,
                fix="make up starts it"
                if self.chosen.embedded_cluster
                else f"kubectl --context {self.chosen.context} get nodes says why",
            )

    @contextmanager
    def api(self) -> Iterator[AirflowApi]:
        """Airflow's API: by the UI's port of the embedded cluster, else through the cluster's."""
        self.reachable()
        username, password = self.administrator()
        if self.chosen.embedded_cluster:
            self._forwarder_runs()
            yield AirflowApi(f"http://127.0.0.1:{self.chosen.ui_port}", username, password)
            return
        target = f"service/{names.API_SERVER}"
        with forwarded(self.kubectl, self.namespace, target, names.API_PORT) as port:
            yield AirflowApi(f"http://127.0.0.1:{port}", username, password)

    def _forwarder_runs(self) -> None:
        """Make sure that it is our Airflow that answers at the UI's port."""
        if self.cluster.ui_port is None:
            raise UpdraftError(
                f"nothing of ours listens at port {self.chosen.ui_port} for the UI",
                where=str(self.paths.logs / "ui-forwarder.log"),
                fix="make up starts it again; UI_PORT=8081 where another program took the port",
            )

    def watcher(self, api: AirflowApi) -> RunWatcher:
        """What follows runs."""
        return RunWatcher(api, self.kubectl, self.tasks_namespace)

    @property
    def has_git_server(self) -> bool:
        """Whether DAGs come from the git server inside the cluster."""
        return self.settings.dags.server is not None

    def push_dags(
        self,
        folder: Path = DAGS,
        mirror: Agreed | None = None,
        takeover: Agreed | None = None,
    ) -> Pushed:
        """Push a folder of DAGs to the git server inside the cluster; see DagPusher.push.

        Raises:
            UpdraftError: The DAGs come from elsewhere, or the push failed.
        """
        if not self.has_git_server:
            raise UpdraftError(
                f"the DAGs of stack {self.chosen.stack} come from a repository of its own",
                where=f"updraft:dags.repository: {self.settings.dags.repository}",
                fix="push to that repository; git-sync brings what its branch holds",
            )
        with self.git_remote() as remote:
            return DagPusher(folder, self.paths.state, remote).push(mirror, takeover)

    def newest_commit(self) -> str:
        """The newest commit of the git server inside the cluster; empty where there is none."""
        if not self.has_git_server:
            return ""
        with self.git_remote() as remote:
            return Repository.beside(self.paths.state, remote).newest()

    @contextmanager
    def git_remote(self) -> Iterator[Remote]:
        """The git server inside the cluster, reachable while the block runs."""
        self.reachable()
        secret = self.secret(names.GIT_CREDENTIALS)
        sub_path = self.settings.dags.sub_path
        with forwarded(self.kubectl, self.namespace, f"service/{names.GIT}", GIT_PORT) as port:
            yield Remote(
                url=f"http://127.0.0.1:{port}/dags.git",
                branch=self.settings.dags.ref,
                username=secret["GITSYNC_USERNAME"],
                password=secret["GITSYNC_PASSWORD"],
                sub_path="" if sub_path == "." else sub_path,
            )
