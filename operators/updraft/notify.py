"""Tells people that a task or a run failed, with the link to its log, on a webhook of theirs.

Airflow calls it in the task's own process, and in the DAG processor where that process was lost
(evicted, killed, timed out) or a DAG's callback is due. Both look connections up by the execution
API, both read the same airflow.cfg, and neither may fail because of a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf

from updraft import links, webhook

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

log = logging.getLogger(__name__)

# Characters of an exception's text, which can hold a whole query or page.
_LONGEST = 500
_IDS = ("dag_id", "run_id", "task_id", "map_index", "try_number")
_LOST = "its process was lost, such as by an eviction or a kill; its log ends there"


class FailureNotifier(BaseNotifier):
    """Posts a failure to a webhook as JSON, with a `text` that Slack and its like show.

    The JSON has kind, text, dag_id, run_id, task_id, map_index, map_name, try_number, tries, owner,
    exception (type and message, secrets masked), url (of the task's log in the UI) and links (the
    platform's further ones, of its setting `updraft:links`, that need no more than these ids). Each
    is a whole address; one below the UI's own is left out where the platform has no address.
    What can't be sent is logged, after some tries; the task is not touched by it.

    Args:
        conn_id: The connection that holds the webhook's address, see `updraft.webhook.Webhook`.
            By default the platform's, from its setting `updraft:notifications`; where there is
            none either, the failure is logged alone.

    Example:
        >>> from airflow.sdk import DAG
        >>> from airflow.sdk.bases.operator import BaseOperator
        >>> with DAG("shop", on_failure_callback=FailureNotifier("chat-of-the-shop")) as dag:
        ...     load = BaseOperator(task_id="load", on_failure_callback=FailureNotifier())
        >>> load.has_on_failure_callback
        True
    """

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()
        self.conn_id = conn_id

    def notify(self, context: Context) -> None:
        """Post the failure; Airflow calls this in the task's process or in the DAG processor.

        Args:
            context: The task's, or in a DAG's callback what is known of the run.
        """
        try:
            message, conn_id = failure(context), webhook.connection_id(self.conn_id)
            if conn_id:
                asyncio.run(webhook.post(webhook.find(conn_id), message, kind="failure"))
            else:
                why = f"neither the notifier nor [updraft] {webhook.OPTION} names a connection"
                log.warning("Nobody is told, as %s: %s", why, message["text"])
        except Exception:
            log.exception("The failure could not be told to anybody")


def failure(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message about a failure.

    Args:
        context: A task's, or that of a DAG's callback: keys may be absent.
    """
    task, dag = context.get("ti"), context.get("dag")
    dag_id = str(getattr(task, "dag_id", None) or getattr(dag, "dag_id", None))
    run_id = str(getattr(task, "run_id", None) or context.get("run_id"))
    found: dict[str, Any] = {"kind": "failure", "dag_id": dag_id, "run_id": run_id}
    if "reason" in context:  # the run's callback; its task is but the last that ran
        found |= {"owner": getattr(dag, "owner", None), "exception": _told(context["reason"])}
        what = f"Run {run_id} of {dag_id} failed: {context['reason']}"
    else:
        found |= _of_task(task, context.get("exception"))
        what = _sentence(found)
    found["url"] = run_url(dag_id, run_id, _path(found))
    found["links"] = _links(found)
    found["text"] = slack_text(what, found["url"], found["links"])
    return found


def _links(found: Mapping[str, Any]) -> dict[str, str]:
    ids = {name: str(found[name]) for name in _IDS if found.get(name) is not None}
    filled = {link.name: _whole(link.fill(ids)) for link in links.configured()}
    return {name: url for name, url in filled.items() if url}


def _whole(address: str) -> str:
    """An address as one follows it from anywhere; empty where it only leads on within the UI."""
    if not address.startswith("/"):
        return address
    base = _base_url()
    # The UI's own path is in the address already.
    return urljoin(base, address) if base else ""


def _of_task(task: Any, error: BaseException | str | None) -> dict[str, Any]:
    operator = getattr(task, "task", None)
    return {
        "task_id": getattr(task, "task_id", None),
        "map_index": getattr(task, "map_index", -1),
        "map_name": getattr(task, "rendered_map_index", None),
        "try_number": getattr(task, "try_number", None),
        "tries": (getattr(task, "max_tries", None) or 0) + 1,
        "owner": getattr(operator, "owner", None),
        "exception": _told(error),
    }


def _told(error: BaseException | str | None) -> dict[str, str]:
    from airflow.sdk.log import redact  # type: ignore[attr-defined]  # noqa: PLC0415 -- only to tell

    text = str(redact(str(_LOST if error is None else error)))
    kind = type(error).__name__ if isinstance(error, BaseException) else "Lost"
    return {"type": kind, "message": text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"}


def _sentence(found: Mapping[str, Any]) -> str:
    item = found["map_name"] or (found["map_index"] if found["map_index"] >= 0 else None)
    error = found["exception"]
    return (
        f"{found['dag_id']}.{found['task_id']}{'' if item is None else f' [{item}]'} failed, try "
        f"{found['try_number']} of {found['tries']} in run {found['run_id']} "
        f"(owner {found['owner']}): {error['type']}: {error['message']}"
    )


def _path(found: Mapping[str, Any]) -> str:
    if not found.get("task_id"):
        return ""
    item = f"/mapped/{found['map_index']}" if found["map_index"] >= 0 else ""
    return f"/tasks/{quote(found['task_id'], safe='')}{item}?try_number={found['try_number']}"


def run_url(dag_id: str, run_id: str, path: str = "") -> str | None:
    """Return the address of a run's page in the UI; None where the platform has no address.

    Args:
        dag_id: The DAG.
        run_id: Its run.
        path: What comes after, such as a task's page; quoted already.
    """
    base = _base_url()
    if not base:
        return None
    return f"{base.rstrip('/')}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}{path}"


def _base_url() -> str:
    return str(conf.get("api", "base_url", fallback=""))


def slack_text(text: str, url: str | None, further: Mapping[str, str] | None = None) -> str:
    """Return a text that Slack shows as it is, whoever wrote it, and links after it.

    Args:
        text: What to say.
        url: Where to look first, if anywhere.
        further: Other addresses, by their names.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    named = [f"{name}: {address}" for name, address in (further or {}).items()]
    return "\n".join([escaped, *([url] if url else []), *named])
