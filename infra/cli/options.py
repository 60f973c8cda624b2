"""The variables that every command takes, from its arguments or the environment that make sets."""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from infra.errors import UpdraftError

DEFAULT_UI_PORT = 8080
DEFAULT_STACK = "local"
DEFAULT_DAG = "dynamic_tasks"
ENGINES = ("embedded", "pulumi")
HIGHEST_PORT = 65535
NONE = "none"
NOW: Final = "now"
# Letters in common, as a share, from which on a word is taken for a mistyped area.
_ALIKE = 0.75
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})

HELP = {
    "context": "use this cluster of your kubeconfig instead of the embedded one",
    "registry": "push images there, such as registry.example.com/data",
    "airflow_chart": "the official chart, a folder or a .tgz",
    "engine": "what deploys: embedded or pulumi; chosen at the first run",
    "ui_port": f"the UI's port on this machine ({DEFAULT_UI_PORT})",
    "instance": "the platform's name on this machine; from the checkout's path",
    "stack": f"settings of Pulumi.<stack>.yaml ({DEFAULT_STACK})",
    "set": 'settings on top: "area.key=value other.key=value"; kept until given anew; none: none',
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for; None where nothing was said, so that what was recorded holds."""

    context: str | None = None
    registry: str | None = None
    airflow_chart: Path | None = None
    engine: str | None = None
    ui_port: int | None = None
    instance: str | None = None
    stack: str | None = None
    overrides: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Options:
        """The options from parsed arguments, checked.

        Raises:
            UpdraftError: One has a value that isn't allowed.
        """
        chart = arguments.airflow_chart
        return cls(
            context=arguments.context,
            registry=arguments.registry,
            airflow_chart=Path(chart).expanduser().resolve() if chart else None,
            engine=_one_of("ENGINE", arguments.engine, ENGINES),
            ui_port=_port(arguments.ui_port),
            instance=arguments.instance,
            stack=arguments.stack,
            overrides=None if arguments.set is None else parse_overrides(arguments.set),
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of every command; the environment holds their defaults."""
    group = parser.add_argument_group("which platform, and how (also as variables of make)")
    for name, text in HELP.items():
        variable = name.upper()
        group.add_argument(
            f"--{name.replace('_', '-')}",
            default=os.environ.get(variable) or None,
            metavar=variable,
            help=text,
        )


def flag(variable: str) -> bool:
    """Whether a variable of the environment says yes.

    Raises:
        UpdraftError: It says neither yes nor no.
    """
    value = os.environ.get(variable, "").strip().lower()
    if value in TRUE | FALSE:
        return value in TRUE
    raise UpdraftError(f'{variable} is "{value}"', fix=f"say {variable}=1, or leave it out")


def _one_of(variable: str, value: str | None, allowed: tuple[str, ...]) -> str | None:
    if value is None or value in allowed:
        return value
    raise UpdraftError(f'{variable} is "{value}"', fix=f"allowed: {', '.join(allowed)}")


def _port(value: str | None) -> int | None:
    if value is None:
        return None
    if value.isascii() and value.isdigit() and 1 <= int(value) <= HIGHEST_PORT:
        return int(value)
    raise UpdraftError(f'UI_PORT is "{value}"', fix=f"a number from 1 to {HIGHEST_PORT}")


def parse_overrides(text: str) -> dict[str, Any]:
    """Settings from words `area.key.key=value`; a value is read as YAML.

    Raises:
        UpdraftError: A word is not of that form, or takes out by null what is no setting.
    """
    if text == NONE:
        return {}
    # Not above: doctor runs where no package is installed yet.
    from infra.settings.removals import refuse_unknown  # noqa: PLC0415

    settings: dict[str, Any] = {}
    for number, word in enumerate(text.split(), start=1):
        path, equals, value = word.partition("=")
        if not equals or not _is_path(path):
            # It may be the rest of a secret that holds a blank.
            raise UpdraftError(
                f"SET holds no area.key=value as word {number}",
                fix='SET="tasks.quota.pods=8 area.key=value", with an area of '
                "docs/reference/settings.md; a value with a blank goes into the stack's file",
            )
        place, last = settings, path.rpartition(".")[2]
        for key in path.split(".")[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise _beside(path, path.rpartition(".")[0])
        if last in place:
            raise _beside(path, path)
        place[last] = _value(path, value)
    refuse_unknown(settings)
    return settings


def _value(path: str, text: str) -> Any:
    """A setting's value from YAML."""
    from infra.settings.documents import DocumentError, parse  # noqa: PLC0415 -- as above

    try:
        value = parse(text)
        _refuse_valueless(value)
    except DocumentError as error:
        raise UpdraftError(
            f'SET holds "{path}=…", whose value is not YAML: {error}',
            fix="quote a value that begins with a bracket, or set it in the stack's file",
        ) from error
    return value


def _is_path(path: str) -> bool:
    """Whether it looks like an area, though mistyped, and a key below it."""
    from infra.settings import Settings  # noqa: PLC0415 -- as above

    area, *keys = path.split(".")
    areas = (field.alias or name for name, field in Settings.model_fields.items())
    return bool(keys and all(keys) and difflib.get_close_matches(area, areas, cutoff=_ALIKE))


def _refuse_valueless(value: Any) -> None:
    """Refuse {pods:8}, which YAML reads as a key "pods:8" of nothing, and merging would drop."""
    from infra.settings.documents import DocumentError  # noqa: PLC0415 -- as above

    if isinstance(value, dict):
        if any(each is None and ":" in str(key) for key, each in value.items()):
            raise DocumentError(
                'a key in { } has no value; write area.key.key=value, or the key in quotes: {"a":1}'
            )
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _refuse_valueless(each)


def _beside(path: str, other: str) -> UpdraftError:
    return UpdraftError(
        f'SET holds "{path}=…" beside a value for {other}',
        fix="name each key once, and either the whole or its parts",
    )


def parse_dag(text: str) -> str:
    """A DAG's id.

    Raises:
        UpdraftError: It is the sign by which Airflow's API means every DAG.
    """
    if text == "~":
        raise UpdraftError("DAG=~ names no DAG", fix="DAG=dynamic_tasks; make status lists them")
    return text


def parse_conf(text: str) -> dict[str, Any]:
    """A run's params from JSON.

    Raises:
        UpdraftError: It isn't a JSON object.
    """
    try:
        conf = json.loads(text or "{}", parse_constant=_no_number)
        _storable(conf)
    except (ValueError, RecursionError) as error:
        raise UpdraftError(f"CONF is not JSON: {error}", fix="CONF='{\"items\": 30}'") from error
    if not isinstance(conf, dict):
        raise UpdraftError("CONF is not a JSON object", fix="CONF='{\"items\": 30}'")
    return conf


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON's")


def _storable(value: object) -> None:
    """Refuse the texts of JSON that PostgreSQL's JSON does not take."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            _storable(each)
    elif isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise ValueError(f"{value!a} holds a null character or half a character")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def parse_logical_date(text: str) -> datetime | Literal["now"] | None:
    """A run's logical date: now, none, or an ISO date, which is of UTC if it does not say.

    Raises:
        UpdraftError: It is neither, or lies in the future.
    """
    word = text.strip().lower()
    if word in {"", NOW}:
        return NOW
    if word == NONE:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UpdraftError(
            f'LOGICAL_DATE is "{text}"',
            fix="an ISO date such as 2026-01-31 or 2026-01-31T06:00+01:00, or none; else it is now",
        ) from error
    if found > datetime.now(UTC):
        raise UpdraftError(
            f'LOGICAL_DATE is "{text}", which lies in the future',
            fix="a date that has passed: Airflow would hold the run until then",
        )
    return found
