"""The in-cluster PostgreSQL: its pod, and how Airflow connects to it or to another."""

from __future__ import annotations

from urllib.parse import quote

from infra.settings import Settings
from infra.settings.database import External
from infra.values import names, security
from infra.values.pods import Spec, env_from_secret, placed

PORT = 5432
NAME = "airflow"
USER = "airflow"
_UID = 999
_DATA = "/var/lib/postgresql/data"

# The volume may be older than the Secret (`keepVolume`, a rotated password): the role follows the
# Secret at each start. Single-user mode needs no password and listens nowhere. A volume that is not
# initialised, or only half, is the server's own business.
_ALIGN = """\
set -eu
[ -s "$PGDATA/PG_VERSION" ] || exit 0
[ ! -e "$PGDATA.password" ] && [ ! -e "$PGDATA/updraft-initialising" ] || exit 0
# The kubelet makes a volume writable to its group, which PostgreSQL refuses.
chmod 0700 "$PGDATA"
PATH="$PATH:/usr/lib/postgresql/17/bin"
printf "ALTER ROLE %s PASSWORD '%s'\n" "$POSTGRES_USER" "$POSTGRES_PASSWORD" |
    postgres --single -D "$PGDATA" postgres >/dev/null ||
    echo "The password could not be set to the Secret's; the server says why." >&2
"""


def internal_connection(settings: Settings, password: str) -> str:
    """Return SQLAlchemy's URL of the in-cluster database."""
    host = names.host(names.POSTGRESQL, settings.namespaces.airflow)
    login = f"{USER}:{quote(password, safe='')}"
    return f"postgresql://{login}@{host}:{PORT}/{NAME}?sslmode=disable"


def external_connection(external: External, password: str) -> str:
    """Return SQLAlchemy's URL of the external database."""
    login = f"{quote(external.user, safe='')}:{quote(password, safe='')}"
    address = f"{external.host}:{external.port}/{quote(external.name, safe='')}"
    return f"postgresql://{login}@{address}?sslmode={external.ssl_mode}"


def labels() -> dict[str, str]:
    """Return the labels by which the Service finds the pod."""
    return {"app.kubernetes.io/name": names.POSTGRESQL, "app.kubernetes.io/part-of": "updraft"}


def stateful_set(settings: Settings, secret: str) -> Spec:
    """Return the StatefulSet's spec."""
    internal = settings.database.internal
    env = [
        {"name": "POSTGRES_USER", "value": USER},
        {"name": "POSTGRES_DB", "value": NAME},
        {"name": "PGDATA", "value": f"{_DATA}/pgdata"},
        env_from_secret("POSTGRES_PASSWORD", secret, "password"),
    ]
    common: Spec = {
        "image": internal.image,
        "imagePullPolicy": settings.image.pull_policy,
        "env": env,
        "resources": internal.resources.as_dict(),
        "securityContext": security.container(_UID),
        "volumeMounts": [
            {"name": "data", "mountPath": _DATA},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    align = {"name": "align-password", "command": ["sh", "-c", _ALIGN], **common}
    server = {"name": "postgresql", **common, "ports": [_port()], **_probes()}
    pod = {
        **placed(settings),
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": security.with_volume(_UID),
        "initContainers": [align],
        "containers": [server],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": names.POSTGRESQL}},
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {
        "serviceName": names.POSTGRESQL,
        "replicas": 1,
        "selector": {"matchLabels": labels()},
        "template": {"metadata": {"labels": labels()}, "spec": pod},
    }


def _port() -> Spec:
    return {"name": "postgresql", "containerPort": PORT}


def _probes() -> Spec:
    ready = {"exec": {"command": ["pg_isready", "-q", "-h", "127.0.0.1", "-U", USER, "-d", NAME]}}
    return {
        "startupProbe": {**ready, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 300},
        "readinessProbe": {**ready, "periodSeconds": 10, "timeoutSeconds": 5},
        "livenessProbe": {
            "tcpSocket": {"port": PORT}, "periodSeconds": 20, "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }  # fmt: skip
