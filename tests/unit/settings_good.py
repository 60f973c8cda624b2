"""Values of settings that companies write, and that have to be accepted."""

from __future__ import annotations

from typing import Any

from tests.ssh import key_line, known_hosts, other_private_keys

CLEAR: dict[str, Any] = {"existingSecret": None}
MAIL = {"to": "a+b@example.com", "sender": "b@example.com", "username": "u", "password": "c"}

# Of the production stack: what is laid over it.
GOOD: list[tuple[str, object]] = [
    ("airflow.scheduler.replicas", 2),
    ("airflow.scheduler.replicas", "2"),
    ("tasks.tolerations", [{"operator": "Exists"}]),
    ("tasks.tolerations", [{"key": "a"}]),
    ("tasks.tolerations", [{"key": "a.example.com/b", "value": "", "effect": "NoSchedule"}]),
    ("tasks.tolerations", [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 0}]),
    ("tasks.nodeSelector", {"node.kubernetes.io/instance-type": "m7i.large"}),
    ("tasks.nodeSelector", {"pool": ""}),
    ("tasks.resources.requests.cpu", "0.35"),
    ("tasks.quota.cpu", "12.5"),
    ("tasks.quota.cpu", 12.5),
    ("tasks.quota.cpu", "99999m"),
    ("tasks.quota.memory", "1.5Ti"),
    ("tasks.serviceAccountAnnotations", {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a"}),
    ("tasks.serviceAccountAnnotations", {"Example.com/Role": "first\nsecond\tthird"}),
    ("tasks.nodeSelector", {f"{'a' * 253}/{'B' * 63}": ""}),
    ("airflow.config", {"google": {"client_secret_file": "/x", "private_key_path": "/y"}}),
    ("airflow.config", {"smtp": {"smtp_password_cmd": "cat /run/smtp"}}),
    ("airflow.config", {"database": {"sql_alchemy_conn_secret": "a/b"}}),
    ("airflow.config", {"email": {"email_conn_id": "smtp_default", "from_email": "a@b.example"}}),
    ("airflow.config", {"core": {"dagbag_import_timeout": 60.5, "load_examples": True}}),
    ("airflow.config", {"logging": {"log_format": "%%(asctime)s"}}),
    ("airflow.config", {"common.io": {"xcom_objectstorage_path": "s3://a"}}),
    ("airflow.baseUrl", "https://data.example.com/airflow"),
    ("airflow.baseUrl", "http://10.0.0.1:8080"),
    ("airflow.baseUrl", "http://[2001:db8::1]:8080"),
    ("dags.ref", "refs/heads/release/2026.11"),
    ("dags.ref", "0123456789abcdef0123456789abcdef01234567"),
    ("dags.ref", "feature/größe"),
    ("dags.subPath", "."),
    ("dags.subPath", "teams/data science"),
    ("dags.subPath", "team/.github"),
    ("dags", {"server": {"image": "a:1"}, "repository": None, "ssh": None, "ref": "main"}),
    ("dags.repository", "git@git.example.com:data/dags.git"),
    ("dags.repository", "git@git.example.com:/data/dags.git"),
    ("dags.repository", "ssh://git@git.example.com:2222/data/dags.git"),
    ("dags.ssh", {"existingSecret": "a", "knownHosts": known_hosts("a", "*.example.com,!b")}),
    ("dags.ssh", {"existingSecret": "a", "knownHosts": known_hosts("b", "git.*")}),
    ("image.repository", "registry.example.com:5000/data/airflow"),
    *[("dags.ssh.privateKey", key) for key in other_private_keys()],
    *[("dags.ssh.knownHosts", f"git.example.com {line}") for line in (
        key_line("ssh-rsa", b"e", b"n"),
        key_line("ssh-dss", b"p", b"q", b"g", b"y"),
        key_line("ecdsa-sha2-nistp521", b"nistp521", b"q"),
        key_line("sk-ssh-ed25519@openssh.com", b"key", b"ssh:"),
        key_line("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"q", b"ssh:"),
    )],
    ("image.repository", "Registry:65535/airflow"),
    ("image.repository", "airflow"),
    ("image.repository", "localhost/updraft__a/b-c.d"),
    ("monitoring.images.loki", f"registry.example.com:5000/loki:3.7@sha256:{'a' * 64}"),
    ("monitoring.images.loki", f"loki@sha256:{'a' * 64}"),
    ("monitoring.images.loki", "localhost:1/loki:3"),
    ("chart.repository", "oci://registry.example.com/charts"),
    ("chart.version", "1.22.0-rc.1"),
    ("database.external", {**CLEAR, "password": "airflow-tasks"}),
    ("database.external", {**CLEAR, "password": 'p@:/%#? ü$"'}),
    ("database.external.host", "10.0.0.1"),
    ("database.external.host", "fd00::1"),
    ("database.external.host", "db_1.internal"),
    ("monitoring.alerts.receivers", {"email": {**MAIL, "smarthost": "[2001:db8::1]:587"}}),
    ("monitoring.alerts.receivers", {"email": {**MAIL, "smarthost": "mail.example.com:65535"}}),
    ("monitoring.cost.teams", {"shop": "shop_.*|orders", "fin": "(?i)fin_[a-z]+"}),
    ("keys", {"fernetKey": "a", "apiSecretKey": "a", "jwtSecret": "a", "admin": "a"}),
    ("links", {"pod": "https://pods.example.com/{pod}", "podHistory": True}),
]  # fmt: skip
