"""`python -m tests.operators.platform.seed`: run the DAGs in the environment's Airflow, make users.

Users and what they may see: `admin` everything; `reader` the DAG billing alone; `nobody` nothing.
The password of each is its name.
"""

from __future__ import annotations

from tests.operators.platform import dags
from updraft.testing import running

READER = (
    ("can_read", "Website"),
    ("can_read", "DAG:billing"),
    ("can_read", "Task Instances"),
    ("can_read", "DAG Runs"),
    ("can_read", "Task Logs"),
    ("can_read", "Plugins"),
)
ROLES = {"reads_billing": READER, "sees_nothing": (("can_read", "Website"),)}
USERS = {"admin": "Admin", "reader": "reads_billing", "nobody": "sees_nothing"}


def main() -> None:
    """Do it."""
    states = {each: running.run_dag(dags.make(each)).state for each in (*dags.KNOWN, dags.HIDDEN)}
    print(states)
    from airflow.providers.fab.auth_manager.cli_commands.utils import (  # noqa: PLC0415 -- heavy
        get_application_builder,
    )

    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        for dag_id in states:
            manager.create_permission("can_read", f"DAG:{dag_id}")
        for name, permissions in ROLES.items():
            role = manager.add_role(name)
            for action, resource in permissions:
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
        for user, name in USERS.items():
            role = manager.find_role(name)
            made = manager.add_user(user, user, user, f"{user}@example.com", role, user)
            assert made, user


if __name__ == "__main__":
    main()
