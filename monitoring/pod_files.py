"""How pods' log files are read: each entry whole, with its time, and nothing skipped by a kill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Config = dict[str, Any]

# A longer line becomes several entries, of which those without the runtime's time come last.
MAX_LINE = "4MiB"

_TIME = r"\d{4}-\d\d-\d\dT\S+"
_STREAM = "(?:stdout|stderr)"


def receiver(namespaces: Sequence[str], excluded: Sequence[tuple[str, str]], folder: str) -> Config:
    """Return the configuration of the receiver `file_log`.

    Args:
        namespaces: Whose pods are read.
        excluded: Namespace and workload of pods that are not.
        folder: The node's folder of pods' logs, as the kubelet lays it out.
    """
    others = [f"{folder}/{namespace}_{name}-*/*/*" for namespace, name in excluded]
    return {
        # A file that the kubelet has rotated is read too: it may have been while nobody read it.
        "include": [f"{folder}/{name}_*/*/*.log*" for name in namespaces],
        "exclude": [*others, f"{folder}/*/*/*.gz", f"{folder}/*/*/*.tmp"],
        "start_at": "beginning",
        "storage": "file_storage",
        "poll_interval": "200ms",
        # Twice as many files as are held open: a finished pod's stay for an hour.
        "max_concurrent_files": 4096,
        "max_log_size": MAX_LINE,
        "include_file_name": False,
        "include_file_path": True,
        # By the file's own bytes and not by joined entries: what is held back for its next line
        # is not yet counted as read.
        "multiline": {"line_start_pattern": line_start()},
        "force_flush_period": "100ms",
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
        "operators": _operators(),
    }


def line_start() -> str:
    """Return what an entry begins with: a line that does not continue the one before it.

    White space continues a line, and so do the other parts that the runtime cut a long line
    into. A Python traceback goes on to the line that names its exception, and to the exception
    that was raised while it was handled.
    """
    tracebacks = "|".join(_traceback(f"{_TIME} {stream} F") for stream in ("stdout", "stderr"))
    return rf"^(?:{tracebacks}|{_TIME} {_STREAM} (?:P .*\n{_TIME} {_STREAM} )*F \S)"


def _traceback(prefix: str) -> str:
    blank = rf"\n{prefix} ?$"
    more = r"(?:DETAIL|HINT|CONTEXT|LINE \d|\[SQL|\[parameters|\(Background on)"
    one = (
        r"Traceback \(most recent call last\):"
        rf"(?:\n{prefix}(?: ?| [ \t].*)$)+"
        rf"\n{prefix} [^\s{{].*(?:\n{prefix} {more}.*)*"
    )
    between = rf"{blank}\n{prefix} (?:During handling of|The above exception was) .*{blank}"
    return rf"{prefix} {one}(?:{between}\n{prefix} {one})*"


def _operators() -> list[Config]:
    path = r"/(?P<namespace>[^/_]+)_(?P<pod>[^/_]+)_(?P<uid>[^/]+)/(?P<container>[^/]+)/[^/]+$"
    names = {
        "namespace": "k8s.namespace.name",
        "pod": "k8s.pod.name",
        "uid": "k8s.pod.uid",
        "container": "k8s.container.name",
    }
    # Parts of one line: its first, or what is left of one that was too long.
    cut = r'body matches "^\\S+ \\S+ P " or not (body matches "^\\S+ std(out|err) [PF]")'
    prefix = rf"\n{_TIME} {_STREAM} [PF] ?"
    return [
        _replace(prefix, "", "join", cut),
        _replace(prefix, "\n", "unprefix", f"not ({cut})"),
        {
            "type": "regex_parser",
            "id": "line",
            "regex": rf"(?s)^(?P<time>{_TIME}) {_STREAM} [PF](?: (?P<log>.*))?$",
            "timestamp": {
                "parse_from": "attributes.time",
                "layout_type": "gotime",
                "layout": "2006-01-02T15:04:05.999999999Z07:00",
            },
            # The rest of a line that was too long has no time of its own: kept as it is.
            "on_error": "send_quiet",
        },
        {"type": "move", "from": "attributes.log", "to": "body", "if": "attributes.log != nil"},
        {
            "type": "regex_parser",
            "id": "path",
            "regex": path,
            "parse_from": 'attributes["log.file.path"]',
            "parse_to": "resource",
        },
        *(
            {"type": "move", "from": f"resource.{group}", "to": f'resource["{attribute}"]'}
            for group, attribute in names.items()
        ),
    ]


def _replace(regex: str, by: str, name: str, condition: str) -> Config:
    return {
        "type": "regex_replace",
        "id": name,
        "regex": regex,
        "replace_with": by,
        "field": "body",
        "if": condition,
    }
