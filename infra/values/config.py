"""airflow.cfg: of the control plane, and the part of it that a task needs."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from infra import versions
from infra.settings import Settings
from infra.values import links, names, options, sizes
from infra.values.monitoring import options as monitoring
from monitoring import ports, statsd

Config = dict[str, dict[str, str]]

HEALTH_PORT = 8974
# A task waits for quota in the state queued, and this long its token lives: a night's backlog fits.
QUEUED_TIMEOUT_SECONDS = 24 * 60 * 60
# Sections that a task's process reads, too.
_OF_TASKS = frozenset(
    [
        "api",
        "common.io",
        "core",
        "dag_processor",
        "email",
        "logging",
        "metrics",
        "openlineage",
        "operators",
        "sdk",
        "secrets",
        "smtp",
        "standard",
        "state_store",
        "traces",
        "updraft",
        "workers",
    ]
)


def dags_folder(settings: Settings) -> str:
    """Return the folder in which git-sync presents the DAGs."""
    return f"{names.HOME}/dags/repo/{settings.dags.sub_path}".removesuffix("/.")


def execution_api_url(settings: Settings) -> str:
    """Return the execution API's address."""
    return f"{api_url(settings)}/execution/"


def api_url(settings: Settings) -> str:
    """Return the API server's address by its full name: tasks live in another namespace."""
    host = names.host(names.API_SERVER, settings.namespaces.airflow)
    path = urlsplit(settings.airflow.base_url or "").path.rstrip("/")
    return f"http://{host}:{names.API_PORT}{path}"


def control_plane(settings: Settings) -> Config:
    """Return what Updraft sets, with the stack's own options that anybody may read laid over."""
    config: Config = {
        "core": _core(settings),
        "api": {"base_url": settings.airflow.base_url} if settings.airflow.base_url else {},
        "logging": _logging(settings),
        "metrics": _metrics(settings),
        "dag_processor": _dag_processor(settings),
        "fab": {"enable_proxy_fix": "True"},
        "scheduler": {
            "enable_health_check": "True",
            "scheduler_health_check_server_port": str(HEALTH_PORT),
            "task_queued_timeout": str(QUEUED_TIMEOUT_SECONDS),
        },
        # A pod, and its share of the quota, is held until the supervisor's next heartbeat.
        "workers": {"min_heartbeat_interval": "1"},
        "kubernetes_executor": _executor(settings),
        "updraft": _package(settings),
    }
    for section, below in options.harmless(settings).items():
        config.setdefault(section, {}).update(below)
    return {section: below for section, below in config.items() if below}


def task(settings: Settings) -> Config:
    """Return the options that a task pod needs, and those that the settings name as the tasks'."""
    named = set(settings.tasks.config)
    config = {
        section: {
            key: value
            for key, value in below.items()
            if section in _OF_TASKS or f"{section}.{key}" in named
        }
        for section, below in control_plane(settings).items()
    }
    config = {section: below for section, below in config.items() if below}
    config["dag_processor"]["dag_bundle_config_list"] = _bundles(settings, one_time=True)
    return config


def withheld(settings: Settings) -> list[str]:
    """Return the stack's options of sections that a task reads which no task gets."""
    named = set(settings.tasks.config)
    return [
        f"{section}.{key}"
        for section, below in settings.airflow.config.items()
        for key, value in below.items()
        if section in _OF_TASKS
        and not options.is_harmless(section, key, value)
        and f"{section}.{key}" not in named
    ]


def as_json(value: object) -> str:
    """Return JSON that Airflow reads as it is: it would expand % and $ in an option.

    Sorted, since Pulumi keeps no order of a setting's keys.
    """
    return json.dumps(value, sort_keys=True).replace("%", r"\u0025").replace("$", r"\u0024")


def as_file(config: Config) -> str:
    """Return the text of airflow.cfg."""
    lines: list[str] = []
    for section, below in sorted(config.items()):
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in sorted(below.items()))]
        lines.append("")
    return "\n".join(lines)


def _package(settings: Settings) -> dict[str, str]:
    given = {"links": links.option(settings), **sizes.options(settings)}
    objects = {name: as_json(value) for name, value in given.items()}
    named = {
        "version": versions.UPDRAFT,
        "notifications_conn_id": settings.notifications.connection_id,
        "task_scratch_storage_class": settings.tasks.scratch_storage_class,
        "cluster": settings.cluster.context,
        "logs_retention": monitoring.options(settings).logs_retention,
        "currency": settings.monitoring.cost.currency,
        "task_start_seconds": str(settings.monitoring.objectives.task_start_seconds),
        "grafana_url": settings.monitoring.grafana.url,
        **{
            f"{server}_url": monitoring.address(settings, server)
            for server in (names.PROMETHEUS, names.ALERTMANAGER, names.LOKI)
        },
    }
    # airflow.cfg expands a single %.
    texts = {name: value.replace("%", "%%") for name, value in named.items() if value}
    return {**objects, **texts}


def _core(settings: Settings) -> dict[str, str]:
    return {
        "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "dags_folder": dags_folder(settings),
        "execution_api_server_url": execution_api_url(settings),
        "executor": "KubernetesExecutor",
        "load_examples": "False",
        "max_active_tasks_per_dag": str(settings.parallelism),
        "parallelism": str(settings.parallelism),
        # Who clears a task has most often pushed what mends it; the UI offers the other choice.
        "rerun_with_latest_version": "True",
    }


def _logging(settings: Settings) -> dict[str, str]:
    # Not by remote_logging: Airflow knows no scheme of Loki's, and one that it doesn't know keeps
    # it from being imported at all.
    kept = settings.monitoring.logs_are_kept
    reader = {"logging_config_class": "updraft.logs.LOGGING_CONFIG"} if kept else {}
    return {
        "colored_console_log": "False",
        "dag_processor_log_target": "stdout",
        "json_logs": "True",
        "remote_logging": "False",
        **reader,
    }


def _metrics(settings: Settings) -> dict[str, str]:
    if settings.monitoring.mode == "none":
        return {"statsd_on": "False"}
    return {
        **statsd.AIRFLOW,
        "statsd_host": monitoring.statsd_host(settings),
        "statsd_port": str(ports.STATSD),
    }


def _dag_processor(settings: Settings) -> dict[str, str]:
    return {
        "dag_bundle_config_list": _bundles(settings),
        # A pushed DAG is looked for this often, in seconds; the default is 300.
        "refresh_interval": "10",
    }


def _bundles(settings: Settings, **more: object) -> str:
    bundle = {
        "name": "dags-folder",
        "classpath": "updraft.bundle.GitSyncDagBundle",
        "kwargs": {"view_url_template": links.folder(settings), **more},
    }
    return as_json([bundle])


def _executor(settings: Settings) -> dict[str, str]:
    delete = str(settings.tasks.keep_finished_pods == 0)
    return {
        "delete_worker_pods": delete,
        "delete_worker_pods_on_failure": delete,
        "namespace": settings.namespaces.tasks,
        "pod_template_file": f"{names.HOME}/pod_templates/pod_template_file.yaml",
        # Quota refuses with 403; -1 asks again for ever (the default fails the task at once).
        "task_publish_max_retries": "-1",
        "worker_pods_creation_batch_size": "16",
        # Empty, or they would override the template's image.
        "worker_container_repository": "",
        "worker_container_tag": "",
    }
