"""Airflow's chart values: the same for the official chart and the embedded one.

The chart passes `config`, `podTemplate` and some lists through its template engine, so braces that
are meant as text are escaped here.
"""

from __future__ import annotations

from infra import versions
from infra.settings import Settings
from infra.settings.airflow import Component
from infra.values import config, git, names, options, pod_template, security
from infra.values.image import ImageReference

Values = dict[str, object]

# Seconds in which a server is to have started before it is started again.
_STARTUP = 300


def values(settings: Settings, image: ImageReference) -> Values:
    """Return the chart's values for the settings and the image."""
    return {
        "airflowHome": names.HOME,
        "airflowVersion": versions.AIRFLOW,
        "defaultAirflowRepository": image.repository,
        "defaultAirflowTag": image.tag or versions.AIRFLOW,
        "executor": "KubernetesExecutor",
        "labels": {names.OWNER: settings.platform.name},
        "revisionHistoryLimit": 3,
        "images": _images(settings, image),
        "imagePullSecrets": list(settings.image.pull_secrets),
        "nodeSelector": dict(settings.scheduling.node_selector),
        "tolerations": [toleration.as_dict() for toleration in settings.scheduling.tolerations],
        "securityContexts": {"pod": security.pod(), "containers": security.container()},
        "volumes": [{"name": name, "emptyDir": {}} for name in ("tmp", git.TEMPORARY)],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "config": _escaped(config.control_plane(settings)),
        "podTemplate": _escape(pod_template.text(settings, image)),
        **_secrets(settings),
        **_hidden_options(settings),
        **_switched_off(),
        "dags": {"gitSync": _git_sync(settings)},
        "scheduler": _scheduler(settings),
        "apiServer": _api_server(settings),
        "dagProcessor": _dag_processor(settings),
        "triggerer": _triggerer(settings),
    }


def _escape(text: str) -> str:
    return text.replace("{{", '{{ "{{" }}')


def _escaped(whole: config.Config) -> dict[str, dict[str, str]]:
    return {
        section: {key: _escape(value) for key, value in below.items()}
        for section, below in whole.items()
    }


def _images(settings: Settings, image: ImageReference) -> Values:
    pull_policy = settings.image.pull_policy
    identity = {"digest": image.digest} if image.digest else {"tag": image.tag}
    git_sync = settings.dags.git_sync
    return {
        "airflow": {"repository": image.repository, **identity, "pullPolicy": pull_policy},
        "gitSync": {
            "repository": git_sync.repository,
            "tag": git_sync.tag,
            "pullPolicy": pull_policy,
        },
    }


def _secrets(settings: Settings) -> Values:
    keys, external = settings.keys, settings.database.external
    metadata = (external.existing_secret if external else keys.database) or names.METADATA
    return {
        "fernetKeySecretName": keys.fernet_key or names.FERNET_KEY,
        "apiSecretKeySecretName": keys.api_secret_key or names.API_SECRET_KEY,
        "jwtSecretName": keys.jwt_secret or names.JWT_SECRET,
        # The chart makes a broker's Secret, as a hook, unless one is named; nothing reads it.
        "data": {"metadataSecretName": metadata, "brokerUrlSecretName": "not-used-without-celery"},
        # A connection in the environment would let any DAG file reach the metadata database.
        "enableBuiltInSecretEnvVars": {"AIRFLOW_CONN_AIRFLOW_DB": False},
    }


def _hidden_options(settings: Settings) -> Values:
    variables = options.hidden(settings)
    if not variables:
        return {}
    return {
        "extraEnvFrom": f"- secretRef:\n    name: {names.OPTIONS}\n",
        # Variables never change in a running pod.
        "airflowPodAnnotations": {"updraft.dev/options": options.digest(variables)},
    }


def _switched_off() -> Values:
    off = ("redis", "postgresql", "statsd", "pgbouncer", "flower", "cleanup")
    no_account = {"serviceAccount": {"create": False}}
    return {
        **{name: {"enabled": False} for name in off},
        # Jobs of our own: as hooks these deadlock with an installer that waits (#11979, #38937).
        "migrateDatabaseJob": {"enabled": False, **no_account},
        "createUserJob": {"enabled": False, **no_account},
        # Roles of our own, in the tasks' namespace, are bound instead.
        "rbac": {"create": False},
        "workers": no_account,
    }


def _git_sync(settings: Settings) -> Values:
    dags = settings.dags
    login: Values = {}
    if dags.ssh:
        login = {"sshKeySecret": git.ssh_secret(settings), "knownHosts": dags.ssh.known_hosts}
    elif git.credentials_secret(settings):
        login = {"credentialsSecret": git.credentials_secret(settings)}
    return {
        "enabled": True,
        "repo": git.repository(settings),
        "ref": dags.ref,
        "branch": dags.ref,
        "rev": "HEAD",
        "depth": dags.depth,
        "subPath": dags.sub_path,
        "period": dags.period,
        "maxFailures": git.CONTROL_PLANE_FAILURES,
        # Its probe would ask an HTTP port; the first fetch is the init container's already.
        "startupProbe": {"enabled": False},
        "securityContexts": {"container": security.container(security.GIT_SYNC_USER)},
        "extraVolumeMounts": [{"name": git.TEMPORARY, "mountPath": "/tmp"}],  # noqa: S108
        "resources": git.RESOURCES,
        **login,
    }


def _process(settings: Settings, component: Component, account: str, *, token: bool) -> Values:
    return {
        "replicas": component.replicas,
        "resources": component.resources.as_dict(),
        "priorityClassName": names.of_platform(settings, names.PRIORITY_CONTROL_PLANE),
        "serviceAccount": {
            "create": True,
            "name": account,
            "automountServiceAccountToken": token,
        },
        # The migration Job comes before the release: four pods need not ask for it again.
        "waitForMigrations": {"enabled": False},
    }


def _probe(command: list[str], period: int, failures: int, delay: int = 0) -> Values:
    return {
        "command": command,
        "initialDelaySeconds": delay,
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 10,
    }


def _startup(period: int) -> Values:
    """A probe often enough that who waits for the start waits little longer."""
    return {
        "initialDelaySeconds": 0,
        "periodSeconds": period,
        "failureThreshold": _STARTUP // period,
        "timeoutSeconds": 3,
    }


def _job_probe(job: str) -> Values:
    return _probe(["/probe", "job", job], period=30, failures=5, delay=30)


def _scheduler(settings: Settings) -> Values:
    # Airflow's own `jobs check` costs 2.4 s of CPU each time.
    health = ["/probe", "http", str(config.HEALTH_PORT), "/health"]
    return {
        **_process(settings, settings.airflow.scheduler, names.SCHEDULER, token=True),
        "startupProbe": {"command": health, **_startup(2)},
        "livenessProbe": _probe(health, period=20, failures=5),
        "logGroomerSidecar": {"enabled": False},
    }


def _api_server(settings: Settings) -> Values:
    ui = settings.airflow.ui
    port: Values = {"name": "api-server", "port": names.API_PORT}
    if ui.node_port is not None:
        port["nodePort"] = ui.node_port
    probe = {"initialDelaySeconds": 0, "timeoutSeconds": 10, "periodSeconds": 10}
    return {
        **_process(settings, settings.airflow.api_server, names.API_SERVER, token=True),
        "service": {"type": ui.service_type, "ports": [port]},
        "startupProbe": _startup(1),
        "livenessProbe": {**probe, "failureThreshold": 6},
        "readinessProbe": {**probe, "failureThreshold": 3},
        "extraVolumes": [{"name": "logs", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "logs", "mountPath": f"{names.HOME}/logs"}],
    }


def _dag_processor(settings: Settings) -> Values:
    return {
        **_process(settings, settings.airflow.dag_processor, names.DAG_PROCESSOR, token=False),
        "livenessProbe": _job_probe("DagProcessorJob"),
        "logGroomerSidecar": {"enabled": False},
    }


def _triggerer(settings: Settings) -> Values:
    return {
        **_process(settings, settings.airflow.triggerer, names.TRIGGERER, token=False),
        # No volume: nothing that it writes has to outlive the pod.
        "persistence": {"enabled": False},
        "livenessProbe": _job_probe("TriggererJob"),
        "logGroomerSidecar": {"enabled": False},
    }
