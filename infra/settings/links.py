"""Links in Airflow's UI: templates of addresses, checked before anybody can click on one."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra.settings.base import Area, Flag
from infra.settings.grammar.addresses import web
from infra.settings.grammar.text import Line
from infra.settings.hidden import shown

# The same as `updraft.links.PLACEHOLDERS`, which needs Airflow; a test compares them.
PLACEHOLDERS = (
    "dag_id", "run_id", "task_id", "map_index", "try_number", "namespace", "file",
    "pod", "commit", "start", "end", "start_ms", "end_ms",
)  # fmt: skip
EXPLANATION = (
    "Links on every task in Airflow's UI. A template is an address in which may stand "
    + ", ".join(f"`{{{name}}}`" for name in PLACEHOLDERS)
    + ". Each value is URL-encoded; where one is not known, such as the pod of a task that waits, "
    "there is no link. `{file}` is a path in the repository; `{end}` of a running task is now; "
    "`{start_ms}` and `{end_ms}` are milliseconds since 1970, `{start}` and `{end}` ISO 8601."
)
_OWN_NAMES = ("Pod", "Source")


def _template(value: str) -> str:
    if not value:
        return value
    plain = re.sub(r"\{(\w+)\}", lambda match: "" if match[1] in PLACEHOLDERS else match[0], value)
    names = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    if wrong := re.search(r"\{[^}]*\}?|\}", plain):
        raise ValueError(f"a template without {shown(wrong[0])}; it may name {names}")
    try:
        web(re.sub(r"\{\w+\}", "1", value))
    except ValueError as error:
        raise ValueError(f"{error}, in which may stand {names}") from None
    return value


Template = Annotated[str, AfterValidator(_template)]


class ExtraLink(Area):
    """One more link."""

    name: Line = Field(description="Its text, different from any other link's.")
    url: Template = Field(min_length=1, description="Template of its address.")


class Links(Area):
    """Links on every task; a link whose template names what is not known is not shown."""

    pod: Template | None = Field(None, description="Template of a pod's address; no link if null.")
    pod_history: Flag = Field(
        False, description="Whether a pod's address outlives the pod (tasks.keepFinishedPods)."
    )
    source: Template | None = Field(
        None,
        description="Template of a file's address at a commit; if null, that of dags.repository "
        "where it is on GitHub, GitLab, Gitea, Forgejo or Bitbucket; no link if empty.",
    )
    extra: tuple[ExtraLink, ...] = Field((), description="Further links.")

    def _templates(self) -> list[str]:
        return [self.pod or "", *(link.url for link in self.extra)]

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.pod_history and "{pod}" not in " ".join(self._templates()):
            raise ValueError("a template that names {pod} where podHistory is set")
        seen = list(_OWN_NAMES)
        for link in self.extra:
            if link.name in seen:
                raise ValueError(f'a name of its own for each link ("{shown(link.name)}" is taken)')
            seen.append(link.name)
        return self
