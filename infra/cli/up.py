"""From a machine to a DAG fanned out as pods, in steps that can each be run again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from infra import images, versions
from infra.cli import charts, choices, demonstration, image_plan, image_steps
from infra.cli.ahead import Ahead, install_packages
from infra.cli.choices import EMBEDDED, PULUMI, Choices
from infra.cli.choose import choose, tell_dropped
from infra.cli.options import Options
from infra.cli.platform import Platform
from infra.cli.remotes import refuse_unreachable
from infra.deploy import definitions, embedded, pulumi
from infra.errors import UpdraftError
from infra.images import BuiltImage
from infra.local import doctor, tools
from infra.local.cluster import Cluster
from infra.local.lock import hold_instance
from infra.local.paths import Paths, make_folder
from infra.local.programs import CLIENT_TOOLS, NODE_TOOLS
from infra.local.shell import UMASK
from infra.output import Output
from infra.values import config

STEPS = 6


def up(options: Options) -> None:
    """Make the platform, or mend it, and show a run of its DAG."""
    os.umask(UMASK)
    output = Output(steps=STEPS)
    paths = Paths.for_instance(options.instance)
    with hold_instance(paths, output), ExitStack() as ahead:
        _Up(paths, output, ahead).run(options)


class _Up:
    """One run of make up."""

    def __init__(self, paths: Paths, output: Output, ahead: ExitStack) -> None:
        self.paths = paths
        self.output = output
        self.ahead = ahead
        self.tools: dict[str, Path] = {}

    def run(self, options: Options) -> None:
        recorded = choices.read(self.paths.state)
        chosen = choose(options, recorded)
        unbuilt = self.unbuilt(chosen)
        self.preflight(unbuilt)
        # Before anything else is kept in it: choices hold what SET says, secrets too.
        make_folder(self.paths.state, 0o700)
        self.announce(chosen, first=recorded is None)
        tell_dropped(self.output, recorded, chosen)
        late = image_plan.late(chosen, tools.ToolCache(self.paths.cache))
        self.output.steps += bool(late)
        self.output.step("Tools")
        images_ahead = self.begin_images(chosen)
        self.install_tools(chosen, late)
        tools_ahead = self.begin("tools", image_plan.programs(late), aside=True)
        self.output.step("Images")
        if not chosen.embedded_cluster:
            self.reach(unbuilt)
        if images_ahead:
            images_ahead.follow(self.output)
        built = self.build_images(chosen, late)
        self.start_cluster(chosen, built, first=recorded is None)
        if chosen.embedded_cluster:
            definitions.refuse_missing(unbuilt.settings, unbuilt.kubectl)
        chosen = dataclasses.replace(chosen, images=self.references(chosen, built, late))
        chosen = self.find_chart(chosen)
        self.output.step(f"Deploy by the {chosen.engine} engine")
        settle = self.deploy(chosen, late)
        fault = self.demonstrate(chosen, settle)
        if tools_ahead:
            if fault:  # of which what watches may tell more
                self.output(f"no run to show: {fault.what}; the rest of it follows the next step")
            chosen = self.join(chosen, late, tools_ahead)
        if fault:
            raise fault
        before = recorded.images if recorded else {}
        image_steps.forget(Cluster(self.paths), chosen.images, before)

    def unbuilt(self, chosen: Choices) -> Platform:
        """The platform as it will be, but for its images."""
        built = {name: image_plan.unbuilt(name) for name in image_plan.needed(chosen)}
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

    def begin(self, work: str, names: list[str], *, aside: bool = False) -> Ahead | None:
        """Begin work whose turn comes later; it ends with this run."""
        if not names:
            return None
        begun = Ahead(work, names, self.paths.logs, aside=aside)
        self.ahead.callback(begun.end)
        return begun

    def begin_images(self, chosen: Choices) -> Ahead | None:
        """Begin to build images beside the compiler: the one waits where the other works.

        Not for another cluster, which may yet turn out to be out of reach.
        """
        missing = tools.ToolCache(self.paths.cache).missing(self.tools_of(chosen))
        if not (missing and chosen.embedded_cluster):
            return None
        install_packages(self.paths.cache, self.output)
        return self.begin(
            "images", [name for name in image_plan.needed(chosen) if name in images.NAMES]
        )

    def tools_of(self, chosen: Choices) -> list[str]:
        """The programs that this platform is made with."""
        if not chosen.embedded_cluster:
            return list(CLIENT_TOOLS)
        return [*NODE_TOOLS, *CLIENT_TOOLS, *image_plan.programs(image_plan.needed(chosen))]

    def install_tools(self, chosen: Choices, late: Iterable[str]) -> None:
        waiting = set(image_plan.programs(late))
        names = [name for name in self.tools_of(chosen) if name not in waiting]
        compiled = self.begin("tools", tools.ToolCache(self.paths.cache).missing(names))
        if compiled:
            compiled.follow(self.output)
        self.install(names)

    def install(self, names: Iterable[str]) -> None:
        self.tools |= tools.ensure(names, self.output, cache=self.paths.cache)
        self.output(f"{len(self.tools)} programs in {self.paths.cache / 'tools'}")

    def reach(self, platform: Platform) -> None:
        """Refuse a cluster that does not answer or lacks definitions before images are built."""
        platform.reachable()
        definitions.refuse_missing(platform.settings, platform.kubectl)

    def start_cluster(
        self, chosen: Choices, built: Mapping[str, BuiltImage], *, first: bool
    ) -> None:
        self.output.step("Cluster")
        if first:
            choices.write(self.paths.state, chosen)
        if chosen.embedded_cluster:
            archives = [(image.archive, image.ref) for image in built.values()]
            Cluster(self.paths).up(self.output, ui_port=chosen.ui_port, archives=archives)
        else:
            self.output(f"context {chosen.context} answers")

    def build_images(self, chosen: Choices, late: Iterable[str] = ()) -> dict[str, BuiltImage]:
        return image_steps.build(chosen, self.tools, self.paths.cache, self.output, late=late)

    def references(
        self, chosen: Choices, built: Mapping[str, BuiltImage], late: Iterable[str] = ()
    ) -> dict[str, str]:
        there = image_steps.references(chosen, built, self.paths.cache, self.output)
        return {name: image_plan.unbuilt(name) for name in late} | there

    def find_chart(self, chosen: Choices) -> Choices:
        self.output.step("Chart")
        if chosen.chart_path:
            found = charts.inspect(Path(chosen.chart_path))
        else:
            found = charts.fetch_official(self.tools["helm"], self.paths.cache)
        self.output(f"{found.kind} chart {found.version} at {found.path}")
        return dataclasses.replace(chosen, chart_path=str(found.path))

    def deploy(self, chosen: Choices, late: Iterable[str] = ()) -> Callable[[], None]:
        """Bring the cluster to what was chosen, but for what runs images that are not there yet.

        Returns:
            What waits until all of it can be trusted to run on.
        """
        platform = Platform(self.paths, chosen)
        if withheld := config.withheld(platform.settings):
            self.output(f"no task gets {', '.join(withheld)}; tasks.config names what one needs")
        settle = self.by_pulumi(platform) if chosen.engine == PULUMI else self.apply(platform, late)
        # Not before: settings that could not be deployed are not what the next run goes on with.
        choices.write(self.paths.state, chosen)
        return settle

    def by_pulumi(self, platform: Platform) -> Callable[[], None]:
        """Deploy by Pulumi, which waits for everything itself."""
        pulumi.deploy(
            platform.config,
            platform.chosen.stack,
            self.paths.state,
            self.output,
            kubectl=platform.kubectl,
        )
        return lambda: None

    def apply(self, platform: Platform, late: Iterable[str]) -> Callable[[], None]:
        """Deploy by the embedded engine.

        On a platform without Airflow the DAGs are pushed before it starts, which then finds them
        at its first look, and what has no probe proves itself while they run. One that has Airflow
        keeps its DAGs, and its record, until the new one is known to run.
        """
        new = not platform.has_airflow()

        def push() -> None:
            # The demonstration pushes them again, and tells why they could not be pushed.
            with suppress(UpdraftError):
                demonstration.push(platform, self.output)

        return embedded.deploy(
            platform.config,
            kubectl=platform.kubectl,
            helm=self.tools["helm"],
            keys=platform.keys,
            output=self.output,
            absent={image_plan.unbuilt(name) for name in late},
            before_last=push if new else None,
            settled=not new,
        ).settle

    def demonstrate(self, chosen: Choices, settle: Callable[[], None]) -> UpdraftError | None:
        """Run the DAG, and wait until what was deployed can be trusted to run on.

        Returns:
            Why there is no run to show, on a platform that can be trusted all the same.
        """
        self.output.step("A DAG, fanned out as pods")
        platform = Platform(self.paths, chosen)
        try:
            report = demonstration.show(platform, self.output)
        except UpdraftError as fault:
            settle()  # what has crashed since it was started is why there is no run to show
            return fault
        settle()
        demonstration.next_steps(platform, self.output, report)
        return None

    def join(self, chosen: Choices, late: Iterable[str], compiled: Ahead) -> Choices:
        """Deploy what watches, once its programs are there; Airflow and its tasks run on."""
        self.output.step("What watches, now that it is compiled")
        self.output("until it has joined, a new platform has no metrics, alerts and kept logs;")
        self.output("then it reads those of pods that are still there. An older one's go on.")
        self.output("push-dags, stop and down wait for it; Ctrl-C leaves it to the next make up")
        compiled.follow(self.output)
        self.install(image_plan.programs(late))
        built = self.build_images(chosen)
        for image in built.values():
            Cluster(self.paths).load_image(image.archive, image.ref)
        whole = dataclasses.replace(chosen, images=self.references(chosen, built))
        self.deploy(whole)()
        self.output(f"{', '.join(late)} have joined: everything is up")
        return whole


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
