"""From a machine to a DAG fanned out as pods, in six steps that can each be run again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra import images, versions
from infra.cli import charts, choices, demonstration
from infra.cli.choices import EMBEDDED, PULUMI, Choices
from infra.cli.choose import choose
from infra.cli.options import Options
from infra.cli.platform import WATCHING, Platform
from infra.cli.remotes import refuse_unreachable
from infra.deploy import definitions, embedded, pulumi
from infra.errors import UpdraftError
from infra.images import BuiltImage, programs
from infra.local import doctor, tools
from infra.local.cluster import Cluster
from infra.local.lock import hold_instance
from infra.local.paths import Paths
from infra.local.programs import CLIENT_TOOLS, MONITORING_TOOLS, NODE_TOOLS
from infra.output import Output
from infra.settings import stack
from infra.settings.monitoring import Monitoring

PLATFORM_IMAGES = ("airflow", "postgres", "git-sync", "git-server")
# By mode of monitoring, what else the embedded cluster needs, which can pull nothing.
WATCHING_IMAGES = {
    "bundled": WATCHING,
    "operator": ("statsd-exporter", "collector"),
    "none": (),
}
STEPS = 6
LOCAL = "localhost/"
UNBUILT = f"{LOCAL}updraft/unbuilt:0"


def up(options: Options) -> None:
    """Make the platform, or mend it, and show a run of its DAG."""
    output = Output(steps=STEPS)
    paths = Paths.for_instance(options.instance)
    with hold_instance(paths, output):
        _Up(paths, output).run(options)


class _Up:
    """One run of make up."""

    def __init__(self, paths: Paths, output: Output) -> None:
        self.paths = paths
        self.output = output
        self.tools: dict[str, Path] = {}

    def run(self, options: Options) -> None:
        recorded = choices.read(self.paths.state)
        chosen = choose(options, recorded)
        unbuilt = self.unbuilt(chosen)
        self.preflight(unbuilt)
        self.announce(chosen, first=recorded is None)
        self.install_tools(chosen)
        self.start_cluster(chosen, first=recorded is None)
        definitions.refuse_missing(unbuilt.settings, unbuilt.kubectl)
        chosen = self.build_images(chosen)
        chosen = self.find_chart(chosen)
        platform = Platform(self.paths, chosen)
        self.deploy(platform)
        # Not before: settings that could not be deployed are not what the next run goes on with.
        choices.write(self.paths.state, chosen)
        self.forget_images(chosen.images, recorded.images if recorded else {})
        self.output.step("A DAG, fanned out as pods")
        demonstration.show(platform, self.output)

    def unbuilt(self, chosen: Choices) -> Platform:
        """The platform as it will be, but for its images."""
        built = dict.fromkeys(self.builds(chosen), UNBUILT)
        return Platform(self.paths, dataclasses.replace(chosen, images=built))

    def preflight(self, platform: Platform) -> None:
        """Refuse bad input before anything is touched, so that what runs goes on running."""
        chosen = platform.chosen
        if platform.settings.dags.repository:
            refuse_unreachable(platform.settings.dags.repository, self.paths.netns)
        if chosen.embedded_cluster:
            refuse_faults(self.paths, chosen.ui_port)

    def announce(self, chosen: Choices, *, first: bool) -> None:
        self.output(
            f"instance {self.paths.instance}: {chosen.cluster}, stack {chosen.stack}, "
            f"{chosen.engine} engine, {chosen.chart} chart"
        )
        if first and chosen.chart == EMBEDDED:
            self.output.framed(
                [
                    "NOTICE: Airflow is deployed by Updraft's EMBEDDED CHART, since the official",
                    f"chart's repository ({versions.CHART_REPOSITORY}) was out of reach.",
                    "It takes the same values. With a copy of the official chart at hand:",
                    f"  make down && make up AIRFLOW_CHART=/path/to/airflow-{versions.CHART}.tgz",
                ]
            )

    def install_tools(self, chosen: Choices) -> None:
        self.output.step("Tools")
        names = list(CLIENT_TOOLS)
        if chosen.embedded_cluster:
            watching = set(self.builds(chosen)) & MONITORING_TOOLS.keys()
            names += [*NODE_TOOLS, *(MONITORING_TOOLS[name] for name in watching)]
        self.tools = tools.ensure(names, self.output, cache=self.paths.cache)
        self.output(f"{len(self.tools)} programs in {self.paths.cache / 'tools'}")

    def start_cluster(self, chosen: Choices, *, first: bool) -> None:
        self.output.step("Cluster")
        if not chosen.embedded_cluster:
            Platform(self.paths, chosen).reachable()
            self.output(f"context {chosen.context} answers")
        if first:
            choices.write(self.paths.state, dataclasses.replace(chosen, overrides={}))
        if chosen.embedded_cluster:
            Cluster(self.paths).up(self.output, ui_port=chosen.ui_port)

    def builds(self, chosen: Choices) -> tuple[str, ...]:
        """The images that are built here: all for the embedded cluster, else what has no other."""
        config = stack.read(chosen.stack, chosen.overrides)
        if chosen.embedded_cluster:
            unsaid = Monitoring.model_fields["mode"].default
            mode = str(_area(config, "monitoring").get("mode", unsaid))
            return (*PLATFORM_IMAGES, *WATCHING_IMAGES.get(mode, ()))
        named = {
            "airflow": str(_area(config, "image").get("repository", "")),
            "git-server": str(_area(_area(config, "dags"), "server").get("image", "")),
        }
        # No other machine can pull what is called localhost/…, so it is to be built.
        names = tuple(name for name, image in named.items() if image.startswith(LOCAL))
        if names and not chosen.registry:
            raise UpdraftError(
                f"context {chosen.context} needs images in a registry that it can pull from",
                where=f"stack {chosen.stack}: {', '.join(names)} would be built on this machine",
                fix="REGISTRY=registry.example.com/data builds and pushes them there; "
                "or name images in the stack's settings",
            )
        return names

    def build_images(self, chosen: Choices) -> Choices:
        self.output.step("Images")
        names = self.builds(chosen)
        recipes = [name for name in names if name in images.NAMES]
        built = images.build(recipes, cache=self.paths.cache, output=self.output) if recipes else {}
        alone = [name for name in names if name in programs.NAMES]
        built |= programs.build(alone, self.tools, self.paths.cache)
        references = {}
        for name, image in built.items():
            if chosen.embedded_cluster:
                references[name] = image.ref
            else:
                references[name] = in_registry(chosen.registry, image.ref)
                images.push(image, references[name], cache=self.paths.cache, output=self.output)
        if chosen.embedded_cluster:
            self.load(built.values())
        self.output(
            f"{len(references)} images: {', '.join(references.values()) or 'as settings say'}"
        )
        return dataclasses.replace(chosen, images=references)

    def load(self, built: Iterable[BuiltImage]) -> None:
        """Give the node the images, side by side: unpacking one keeps one processor busy."""
        cluster = Cluster(self.paths)
        there = cluster.images()

        def load(image: BuiltImage) -> None:
            if cluster.load_image(image.archive, image.ref):
                self.output(f"{image.ref} loaded into the node")

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(load, [image for image in built if image.ref not in there]))

    def forget_images(self, *kept: Mapping[str, str]) -> None:
        """Take old images off the node; the last ones stay, for pods that are about to start."""
        cluster = Cluster(self.paths)
        if not cluster.exists:
            return
        keep = {reference for each in kept for reference in each.values()}
        own = tuple(f"{LOCAL}updraft/{name}:" for name in (*images.NAMES, *programs.NAMES))
        cluster.remove_images({ref for ref in cluster.images() if ref.startswith(own)} - keep)

    def find_chart(self, chosen: Choices) -> Choices:
        self.output.step("Chart")
        if chosen.chart_path:
            found = charts.inspect(Path(chosen.chart_path))
        else:
            found = charts.fetch_official(self.tools["helm"], self.paths.cache)
        self.output(f"{found.kind} chart {found.version} at {found.path}")
        return dataclasses.replace(chosen, chart_path=str(found.path))

    def deploy(self, platform: Platform) -> None:
        chosen = platform.chosen
        self.output.step(f"Deploy by the {chosen.engine} engine")
        if chosen.engine == PULUMI:
            pulumi.deploy(
                platform.config,
                chosen.stack,
                self.paths.state,
                self.output,
                kubectl=platform.kubectl,
            )
            return
        embedded.deploy(
            platform.config,
            kubectl=platform.kubectl,
            helm=self.tools["helm"],
            keys=platform.keys,
            output=self.output,
        )


def _area(config: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def in_registry(registry: str, reference: str) -> str:
    """What an image of this machine is called in a registry."""
    return f"{registry.rstrip('/')}/{reference.rpartition('/')[2]}"


def refuse_faults(paths: Paths, ui_port: int) -> None:
    """Refuse to begin where the machine lacks what doctor requires.

    Raises:
        UpdraftError: It does; every lack is named.
    """
    faults = [check for check in doctor.checks(paths, ui_port) if not check.ok]
    if faults:
        raise UpdraftError(
            "this machine lacks what the embedded cluster needs:\n"
            + "\n".join(f"  {c.name}: found {c.found}, needs {c.required}" for c in faults),
            where="make doctor shows all of it",
            fix="\n         ".join(check.fix for check in faults),
        )
