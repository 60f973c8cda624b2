"""What an exporter shows, as numbers."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from updraft.exporter.exporter import Exporter

Numbers = dict[str, dict[tuple[str, ...], float]]


def numbers(text: str) -> Numbers:
    """The values of each series by its labels' values, in the labels' order."""
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def shown(exporter: Exporter) -> Numbers:
    """What a scrape would have now."""
    return numbers(generate_latest(exporter.registry).decode())
