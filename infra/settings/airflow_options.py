"""Options of airflow.cfg that a stack may set: as Airflow spells them, none of the platform's.

Source: Airflow's configuration reference,
https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from infra.settings.described import spelling
from infra.settings.grammar.text import is_plain, matching
from infra.settings.hidden import holds_secret, shown

# What the platform stands on, and where it is set instead; with the names that Airflow still knows.
RESERVED: Mapping[tuple[str, str], str] = {
    ("core", "auth_manager"): "nowhere: the administrator and the API rely on it",
    ("core", "dags_folder"): "dags.subPath",
    ("core", "execution_api_server_url"): "airflow.baseUrl",
    ("core", "executor"): "nowhere: Updraft runs the KubernetesExecutor",
    ("core", "parallelism"): "tasks.parallelism",
    ("api", "base_url"): "airflow.baseUrl",
    ("webserver", "base_url"): "airflow.baseUrl",
    ("workers", "execution_api_server_url"): "airflow.baseUrl",
    ("api", "host"): "nowhere: its probes and its Service ask every address of its pod",
    ("webserver", "web_server_host"): "nowhere: the API server's Service asks every address",
    ("api", "ssl_cert"): "nowhere: its probes and its Service speak HTTP",
    ("api", "ssl_key"): "nowhere: its probes and its Service speak HTTP",
    ("core", "unit_test_mode"): "nowhere: it is for Airflow's own tests",
    ("scheduler", "num_runs"): "nowhere: the scheduler runs on",
    ("logging", "base_log_folder"): "nowhere: its volume is there",
    ("logging", "worker_log_server_port"): "nowhere: no task's pod serves logs",
    ("logging", "trigger_log_server_port"): "nowhere: the triggerer's Service leads to that port",
    ("api", "port"): "nowhere: its Service leads to that port",
    ("webserver", "web_server_port"): "nowhere: the API server's Service leads to that port",
    ("core", "plugins_folder"): "nowhere: the image brings its plugins",
    ("logging", "logging_config_class"): "monitoring.logs",
    ("logging", "json_logs"): "nowhere: the collector reads JSON",
    ("logging", "remote_logging"): "monitoring.logs",
    ("logging", "dag_processor_log_target"): "nowhere: the collector reads stdout",
    ("dag_processor", "dag_bundle_config_list"): "dags",
    ("scheduler", "enable_health_check"): "nowhere: its probes ask it",
    ("scheduler", "scheduler_health_check_server_port"): "nowhere: its probes ask it",
    ("kubernetes_executor", "namespace"): "namespaces.tasks",
    ("kubernetes_executor", "pod_template_file"): "tasks",
    ("kubernetes_executor", "worker_container_repository"): "image.repository",
    ("kubernetes_executor", "worker_container_tag"): "image.tag",
    ("kubernetes_executor", "delete_worker_pods"): "tasks.keepFinishedPods",
    ("kubernetes_executor", "delete_worker_pods_on_failure"): "tasks.keepFinishedPods",
    ("kubernetes_executor", "multi_namespace_mode"): "nowhere: tasks have one namespace",
    ("kubernetes_executor", "multi_namespace_mode_namespace_list"): "namespaces.tasks",
    ("kubernetes_executor", "task_publish_max_retries"): "nowhere: a quota makes tasks wait",
    ("kubernetes_executor", "in_cluster"): "nowhere: it runs inside the cluster",
    ("kubernetes_executor", "cluster_context"): "cluster.context",
    ("kubernetes_executor", "config_file"): "cluster.kubeconfig",
}
# Whole sections of that kind.
_OWN_SECTIONS = {
    "updraft": "links, notifications, tasks and monitoring",
    "kubernetes": "section kubernetes_executor, its name since Airflow 2.5",
}
_METRICS = re.compile(r"statsd_\w+|stat_name_handler|legacy_names_on|otel_on")
# Airflow's own list of what is sensitive, and what providers call so.
_SENSITIVE = re.compile(
    r"(fernet_key|secret_key|jwt_secret|jwt_private_key|sql_alchemy_conn|password|passphrase|token"
    r"|secrets?_backend_kwargs|^backend_kwargs|asset_manager_kwargs|remote_task_handler_kwargs"
    r"|sql_alchemy_engine_args|sentry_dsn|broker_url|result_backend|api_key|access_key|credentials"
    r"|client_secret|private_key|keyfile|connection_string|webhook)"
)
_NO_SECRETS = re.compile(
    r"(_cmd|_file|_path|_conn_id|_seconds|_lifetime|_expiration|_time|_length|_enabled)$"
)


def _text(value: object) -> str:
    if isinstance(value, (bool, int, float, str)):
        return str(value)
    raise ValueError("text, a number or a boolean; nothing is not setting the option at all")


def _one_value(value: str) -> str:
    if not is_plain(value):
        raise ValueError("one line, without control characters: another line would be an option")
    if holds_secret(value):
        raise ValueError(
            "text without a login, key or password in it; name a connection, or a command by the "
            "option's form …_cmd"
        )
    if "%" in value.replace("%%", ""):
        raise ValueError("text with each % doubled, since airflow.cfg expands a single one")
    return value


_section = matching(
    r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", "a section of airflow.cfg, in lower case, without [ ]"
)
_option = matching(
    r"[a-z][a-z0-9_]*", "an option of airflow.cfg in lower case, as Airflow's reference spells it"
)
Section = Annotated[str, AfterValidator(_section)]
Option = Annotated[str, AfterValidator(_option)]
OptionName = Annotated[
    str,
    AfterValidator(
        matching(
            r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}",
            "an option with its section, such as smtp.smtp_host",
        )
    ),
]
Value = Annotated[str, BeforeValidator(_text), AfterValidator(_one_value)]


def checked(config: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Return what was given.

    Raises:
        ValueError: an option is the platform's own, or holds a secret.
    """
    seen: set[tuple[str, str]] = set()
    for section, options in config.items():
        if spelling(section) != section:
            raise ValueError(f"section {spelling(section)}, as Airflow spells it")
        for option in options:
            where = f"[{shown(section)}] {shown(option)}"
            variable = (section.replace(".", "_"), option)
            if variable in seen:
                raise ValueError(f"each option once; {where} has another spelling besides")
            seen.add(variable)
            if place := _place(section, option):
                raise ValueError(f"options that the platform doesn't stand on; {where}: {place}")
            if is_secret(option):
                raise ValueError(
                    f"options that hold no secret: {where} does; see updraft:keys and "
                    f"updraft:database, or the form …_cmd where Airflow knows it"
                )
    return config


def _place(section: str, option: str) -> str:
    """Return where an option that the platform stands on is set, nothing for any other."""
    if section in _OWN_SECTIONS:
        return f"see {_OWN_SECTIONS[section]}"
    if section == "metrics" and _METRICS.fullmatch(option):
        return "see monitoring.mode"
    place = RESERVED.get((section, option), "")
    return place and (place if place.startswith("nowhere") else f"see {place}")


def is_secret(option: str) -> bool:
    """Return whether an option's value is a secret, rather than a command or a name of one."""
    reference = option.endswith("_secret") and _SENSITIVE.search(option.removesuffix("_secret"))
    if reference or _NO_SECRETS.search(option):
        return False
    return bool(_SENSITIVE.search(option))
