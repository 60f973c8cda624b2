"""From a machine to a DAG fanned out as pods, in six steps that can each be run again."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import images, settings, versions
from infra.cli import charts, choices, demonstration
from infra.cli.choices import EMBEDDED, PULUMI, Choices
from infra.cli.decide import decide
from infra.cli.lock import exclusive
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.say import Say
from infra.deploy import embedded
from infra.errors import UpdraftError
from infra.local import doctor, tools
from infra.local.cluster import Cluster
from infra.local.paths import Paths
from infra.settings import stack

OWN_IMAGES = ("airflow", "postgres", "git-sync", "git-server")
CLUSTER_TOOLS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"),
    *("kube-proxy", "kubeadm", "containerd", "containerd-shim-runc-v2", "ctr", "coredns"),
    *("provisioner", "pause"),
)
CLIENT_TOOLS = ("kubectl", "helm")
STEPS = 6
UNBUILT = "localhost/updraft/unbuilt:0"


def up(options: Options) -> None:
    """Make the platform, or mend it, and show a run of its DAG."""
    say = Say(steps=STEPS)
    paths = Paths.for_instance(options.instance)
    with exclusive(paths, say):
        _Up(paths, say).run(options)


class _Up:
    """One run of make up."""

    def __init__(self, paths: Paths, say: Say) -> None:
        self.paths = paths
        self.say = say
        self.tools: dict[str, Path] = {}

    def run(self, options: Options) -> None:
        chosen = decide(options, choices.read(self.paths.state))
        self.preflight(chosen)
        choices.write(self.paths.state, chosen)
        self.announce(chosen)
        self.install_tools(chosen)
        self.start_cluster(chosen)
        chosen = self.build_images(chosen)
        chosen = self.find_chart(chosen)
        choices.write(self.paths.state, chosen)
        platform = Platform(self.paths, chosen)
        self.deploy(platform)
        self.say.step("A DAG, fanned out as pods")
        demonstration.show(platform, self.say)

    def preflight(self, chosen: Choices) -> None:
        """Refuse bad input before anything is touched, so that what runs goes on running."""
        probe = dataclasses.replace(chosen, images=dict.fromkeys(OWN_IMAGES, UNBUILT))
        settings.load(Platform(self.paths, self._with_images(chosen, probe)).config)
        if not chosen.embedded_cluster:
            return
        refuse_faults(self.paths)
        refuse_taken_port(self.paths, chosen)

    def _with_images(self, chosen: Choices, probe: Choices) -> Choices:
        """The choices as they are where the stack names its image, else with one to be built."""
        return probe if self.builds(chosen) else chosen

    def announce(self, chosen: Choices) -> None:
        self.say(
            f"instance {self.paths.instance}: {chosen.cluster}, stack {chosen.stack}, "
            f"{chosen.engine} engine, {chosen.chart} chart"
        )
        if chosen.chart == EMBEDDED:
            self.say.framed(
                [
                    "NOTICE: Airflow is deployed by Updraft's EMBEDDED CHART, since the official",
                    f"chart's repository ({versions.CHART_REPOSITORY}) was out of reach.",
                    "It takes the same values. With a copy of the official chart at hand:",
                    f"  make down && make up AIRFLOW_CHART=/path/to/airflow-{versions.CHART}.tgz",
                ]
            )

    def install_tools(self, chosen: Choices) -> None:
        self.say.step("Tools")
        names = (*CLUSTER_TOOLS, *CLIENT_TOOLS) if chosen.embedded_cluster else CLIENT_TOOLS
        self.tools = tools.ensure(names, self.say)

    def start_cluster(self, chosen: Choices) -> None:
        self.say.step("Cluster")
        if chosen.embedded_cluster:
            Cluster(self.paths).up(self.say)
            return
        Platform(self.paths, self._probe(chosen)).reachable()
        self.say(f"context {chosen.context} answers")

    def _probe(self, chosen: Choices) -> Choices:
        return dataclasses.replace(chosen, images=dict.fromkeys(OWN_IMAGES, UNBUILT))

    def builds(self, chosen: Choices) -> tuple[str, ...]:
        """The images that are built here: all for the embedded cluster, else what has no other."""
        if chosen.embedded_cluster:
            return OWN_IMAGES
        config = stack.read(chosen.stack, chosen.overrides)
        named = _area(config, "image")
        if any(named.get(key) for key in ("tag", "digest", "build")):
            return ()
        if not chosen.registry:
            raise UpdraftError(
                f"context {chosen.context} needs the images in a registry that it can pull from",
                where=f"stack {chosen.stack}: updraft:image names no tag, digest or build",
                fix="REGISTRY=registry.example.com/data builds and pushes them there; "
                "or name an image in the stack's settings",
            )
        server = _area(config, "dags").get("server") is not None
        return ("airflow", "git-server") if server else ("airflow",)

    def build_images(self, chosen: Choices) -> Choices:
        self.say.step("Images")
        names = self.builds(chosen)
        built = images.build(names, cache=self.paths.cache, say=self.say) if names else {}
        references = {}
        for name, image in built.items():
            references[name] = image.ref
            if chosen.embedded_cluster:
                Cluster(self.paths).load_image(image.archive, image.ref)
            else:
                references[name] = images.push(image, chosen.registry, say=self.say)
        return dataclasses.replace(chosen, images=references)

    def find_chart(self, chosen: Choices) -> Choices:
        self.say.step("Chart")
        if chosen.chart_path:
            found = charts.inspect(Path(chosen.chart_path))
        else:
            found = charts.fetch_official(self.tools["helm"], self.paths.cache)
        self.say(f"{found.kind} chart {found.version} at {found.path}")
        return dataclasses.replace(chosen, chart_path=str(found.path))

    def deploy(self, platform: Platform) -> None:
        chosen = platform.chosen
        self.say.step(f"Deploy by the {chosen.engine} engine")
        if chosen.engine == PULUMI:
            from infra.deploy import pulumi  # noqa: PLC0415 -- heavy, and not always there

            pulumi.deploy(
                platform.config, stack=chosen.stack, state_dir=self.paths.state, say=self.say
            )
            return
        embedded.deploy(
            platform.config,
            kubectl=platform.kubectl,
            helm=self.tools["helm"],
            keys=platform.keys,
            say=self.say,
        )


def _area(config: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def refuse_faults(paths: Paths) -> None:
    """Refuse to begin where the machine lacks what doctor requires.

    Raises:
        UpdraftError: It does; every lack is named.
    """
    faults = [check for check in doctor.checks(paths) if not check.ok]
    if faults:
        raise UpdraftError(
            "this machine lacks what the embedded cluster needs:\n"
            + "\n".join(f"  {c.name}: found {c.found}, required {c.required}" for c in faults),
            where="make doctor shows all of it",
            fix="\n         ".join(check.fix for check in faults),
        )


def refuse_taken_port(paths: Paths, chosen: Choices) -> None:
    """Refuse a UI port on which another program listens.

    Raises:
        UpdraftError: One does.
    """
    if Cluster(paths).ui_port == chosen.ui_port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", chosen.ui_port))
        except OSError as error:
            raise UpdraftError(
                f"port {chosen.ui_port} can't be used for the UI: {error.strerror}",
                where=f"127.0.0.1:{chosen.ui_port}",
                fix="choose another: make up UI_PORT=8081",
            ) from error
