"""Who looks at the page, and what Airflow lets them see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
)
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from updraft.errors import UpdraftError


class DeniedError(UpdraftError):
    """Airflow does not let the viewer see it.

    Args:
        what: What is wrong, as a sentence without a full stop.
        where: Which right is missing.
        fix: What whoever reads it can do.

    Example:
        >>> DeniedError("your role may not see it", where="Cluster Activity").where
        'Cluster Activity'
    """


@dataclass(frozen=True, slots=True)
class Viewer:
    """A logged-in user.

    Args:
        user: As the auth manager knows them.

    Example:
        >>> Viewer("somebody").user
        'somebody'
    """

    user: Any

    async def sees_platform(self) -> bool:
        """Whether the user may see what is of all DAGs: the right to Airflow's own health page."""
        return await run_in_threadpool(
            get_auth_manager().is_authorized_view,
            access_view=AccessView.CLUSTER_ACTIVITY,
            user=self.user,
        )

    async def dags(self) -> frozenset[str]:
        """The ids of the DAGs that the user may read."""
        found = await run_in_threadpool(
            get_auth_manager().get_authorized_dag_ids, user=self.user, method="GET"
        )
        return frozenset(found)

    async def require_platform(self) -> None:
        """Refuse who may not see the platform.

        Raises:
            DeniedError: The user may not.
        """
        if not await self.sees_platform():
            raise DeniedError(
                "your role may not see the platform as a whole",
                where='the permission "can read on Cluster Activity"',
                fix="ask an administrator of Airflow for it",
            )

    async def require_tasks(self) -> frozenset[str]:
        """Return the ids of the DAGs whose task instances the user may read.

        Raises:
            DeniedError: There is none.
        """
        readable = await self.dags()
        allowed = await run_in_threadpool(
            get_auth_manager().is_authorized_dag,
            method="GET",
            access_entity=DagAccessEntity.TASK_INSTANCE,
            user=self.user,
        )
        if not (allowed and readable):
            raise DeniedError(
                "there is no DAG yet whose tasks you may read",
                where='the permissions "can read" on a DAG, and on Task Instances',
                fix="ask an administrator of Airflow for a role with them",
            )
        return readable

    async def require_dag(self, dag_id: str) -> None:
        """Refuse who may not read the tasks of a DAG; one that is not there looks the same.

        Raises:
            DeniedError: The user may not.
        """
        if dag_id not in await self.require_tasks():
            raise DeniedError(
                f"there is no DAG {dag_id} that you may read",
                where=dag_id,
                fix="check its name, or ask an administrator of Airflow for access",
            )


def viewer(user: Annotated[Any, Depends(get_user)]) -> Viewer:
    """Return who asks; FastAPI answers 401 to who is not logged in."""
    return Viewer(user)
