"""The links in Airflow's UI as the package `updraft` reads them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from infra.settings import Settings
from infra.values import names

# A word of the host's name, and the address of a file or folder at a commit below a repository's.
_FORGES = {
    "github": ("blob/{commit}/{file}", "tree/{commit}/{file}"),
    "gitlab": ("-/blob/{commit}/{file}", "-/tree/{commit}/{file}"),
    "bitbucket": ("src/{commit}/{file}", "src/{commit}/{file}"),
    **dict.fromkeys(("gitea", "forgejo", "codeberg"), ("src/commit/{commit}/{file}",) * 2),
}
# Where `updraft.platform` serves the page, and the runbooks beside it, below the UI's address. The
# program runs without that package, so a test holds these to what it says.
SERVED = "/platform"
RUNBOOKS = f"{SERVED}/runbooks"
# The page inside Airflow's frame.
PAGE = "/plugin/platform"
# `from_ms` and `until_ms` are around a try's time, see `updraft.links`.
_GRAFANA = {
    "logs": "updraft-logs?var-dag_id={dag_id}&var-task_id={task_id}&var-run_id={run_id}"
    "&var-try_number={try_number}&var-map_index={map_index}&from={from_ms}&to={until_ms}",
    "dashboard": "updraft-dags?var-dag_id={dag_id}&var-task_id={task_id}&from=now-7d&to=now",
}
_PAGE = {
    "logs": "?dag_id={dag_id}&task_id={task_id}&run_id={run_id}&map_index={map_index}#tries",
    "dashboard": "?dag_id={dag_id}&task_id={task_id}#resources",
}


def option(settings: Settings) -> dict[str, object]:
    """Return the option [updraft] links."""
    links = settings.links
    keep = None if links.pod_history else settings.tasks.keep_finished_pods
    return {
        **_own(settings),
        "pod": links.pod,
        "podMinutes": keep,
        "source": _in_repository(settings, source(settings)),
        "extra": [
            {"name": each.name, "url": _in_repository(settings, each.url)} for each in links.extra
        ],
    }


def ui(settings: Settings) -> str:
    """Return the address of Airflow's UI: where none is set, that inside the cluster."""
    host = names.host(names.API_SERVER, settings.namespaces.airflow)
    return settings.airflow.base_url or f"http://{host}:{names.API_PORT}"


def runbooks(settings: Settings) -> str:
    """Return the address of the folder of runbooks, without a / at its end."""
    return settings.monitoring.alerts.runbooks or f"{ui(settings)}{RUNBOOKS}"


def to_page(base_url: str | None = None) -> dict[str, str]:
    """Return the templates of a task's logs and dashboard on the Platform page.

    Args:
        base_url: Of Airflow's UI; None where it is at the root of its host.
    """
    path = urlsplit(base_url or "").path.rstrip("/")
    # The page in Airflow's frame: what comes after its route is the framed page's own path.
    return {name: f"{path}{PAGE}{path}{SERVED}/{to}" for name, to in _PAGE.items()}


def _own(settings: Settings) -> dict[str, str | None]:
    """Grafana's address where there is one, else the page's; none where a link has the name."""
    grafana = settings.monitoring.grafana.url
    found = (
        {name: f"{grafana}/d/{to}" for name, to in _GRAFANA.items()}
        if grafana
        else to_page(settings.airflow.base_url)
    )
    taken = {each.name.lower() for each in settings.links.extra}
    return {name: None if name in taken else to for name, to in found.items()}


def source(settings: Settings) -> str | None:
    """Return the template of a file's address: the setting, or what the repository's host has."""
    given = settings.links.source
    return given if given is not None else _on_forge(settings, folder=False)


def folder(settings: Settings) -> str | None:
    """Return the template of the address of the DAGs' folder, as Airflow's bundles want it."""
    template = _on_forge(settings, folder=True)
    if template is None or not template.startswith("https://"):
        return None
    return template.replace("{file}", _below(settings)).replace("{commit}", "{version}")


def _in_repository(settings: Settings, template: str | None) -> str | None:
    """Airflow knows a file's path below the folder of DAGs alone."""
    return template and template.replace("{file}", f"{_below(settings)}/{{file}}".lstrip("/"))


def _below(settings: Settings) -> str:
    path = str(PurePosixPath(settings.dags.sub_path))
    return "" if path == "." else quote(path)


def _on_forge(settings: Settings, *, folder: bool) -> str | None:
    web = _web_address(settings.dags.repository or "")
    for word in re.split(r"\W", urlsplit(web).hostname or ""):
        if word in _FORGES:
            return f"{web}/{_FORGES[word][folder]}"
    return None


def _web_address(repository: str) -> str:
    """Return where people see the repository: the same host by https, for an ssh remote."""
    path = repository.removesuffix("/").removesuffix(".git")
    if path.startswith(("http://", "https://")):
        return path
    if path.startswith("ssh://"):
        parts = urlsplit(path)
        return f"https://{parts.hostname}{parts.path}"
    host, _, path = path.rpartition("@")[2].partition(":")
    return f"https://{host}/{path.lstrip('/')}"
