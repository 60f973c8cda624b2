"""Series in, recorded series out: promtool evaluates the rules as Prometheus would."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from monitoring.options import Options
from monitoring.rules import events, recording

INTERVAL = "15s"
Samples = Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """What promtool needs, and a place to write it in."""

    promtool: Path
    folder: Path
    options: Options = field(default_factory=Options)

    def file(self) -> Path:
        """Write the rules and return their file."""
        groups = [*events.groups(self.options), *recording.groups(self.options)]
        rules = {"groups": [group.group(self.options) for group in groups]}
        path = self.folder / "rules.yaml"
        path.write_text(yaml.safe_dump(rules))
        return path

    def expect(self, series: Mapping[str, str], at: str, expected: Mapping[str, Samples]) -> None:
        """Check what queries return.

        Args:
            series: Values as promtool spells them, one each 15 s, by selector.
            at: When the queries are asked.
            expected: By query, each sample's value by its labels; rounded to a millionth.

        Raises:
            AssertionError: Something else came out; it has promtool's words.
        """
        test: dict[str, Any] = {
            "interval": INTERVAL,
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f"round({query}, 0.000001)",
                    "eval_time": at,
                    "exp_samples": [
                        {"labels": labels, "value": value} for labels, value in samples.items()
                    ],
                }
                for query, samples in expected.items()
            ],
        }
        whole = {
            "rule_files": [str(self.file())],
            "evaluation_interval": INTERVAL,
            "tests": [test],
        }
        path = self.folder / "test.yaml"
        path.write_text(yaml.safe_dump(whole))
        ran = subprocess.run(
            [self.promtool, "test", "rules", path], capture_output=True, text=True, check=False
        )
        assert expected
        assert ran.returncode == 0, ran.stdout + ran.stderr


Evaluate = Callable[[Options], Evaluation]
