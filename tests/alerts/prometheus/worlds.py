"""Worlds for ``promtool test rules``: what checks export, and what fires at which moment.

Every 15 seconds is a sample, unless a world has another step. Checks of one world differ in
their names, so one world holds many cases.
"""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alerts.prometheus.promql import duration
from alerts.prometheus.rules import rules_file
from alerts.prometheus.yaml import dump
from probe.core.kind import Kind
from probe.core.model import Threshold
from tests import requirements

STEP = 15
# What a check that is not there at a moment exports then.
GONE = "stale"


def steady(value: float, samples: int) -> str:
    """The same value so many times, in promtool's notation."""
    return f"{value:.15g}x{samples - 1}" if samples > 1 else f"{value:.15g}"


def labelled(name: str, labels: Mapping[str, str]) -> str:
    """A series' name."""
    inner = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"


@dataclass
class Seen:
    """One check of a probe in a region, as its scrapes show it."""

    kind: Kind[Any, Any]
    check: str
    region: str = "lax"
    group: str = ""
    series: dict[str, str] = field(default_factory=dict)
    interval: float | None = None
    step: int = STEP

    @property
    def labels(self) -> dict[str, str]:
        """What every line of it carries."""
        return {
            "job": "probe",
            "instance": f"{self.region}:9091",
            "region": self.region,
            "check": self.check,
            "kind": self.kind.name,
            "target": f"test://{self.check}",
        }

    def terms(self, samples: int) -> dict[str, str]:
        """What it exports whether it is well or not."""
        failing = self.kind.failing
        info = {
            "severity": failing.severity.value,
            "partial": failing.severity_with_backup.value if failing.severity_with_backup else "",
            "group": self.group,
            "subject": self.check,
        }
        always = steady(1, samples)
        found = {
            labelled("probe_interval_seconds", self.labels): steady(
                self.interval or self.kind.interval, samples
            ),
            labelled("probe_check_info", {**self.labels, **info}): always,
            labelled("probe_last_run_timestamp_seconds", self.labels): f"0+{self.step}x{samples}",
        }
        if self.group:
            found[labelled("probe_backup_info", {**self.labels, "group": self.group})] = always
        for cause in failing.warning_only_causes:
            found[labelled("probe_mild_cause_info", {**self.labels, "cause": cause})] = always
        return found

    def lines(self, samples: int) -> dict[str, str]:
        """All of its series; those in ``series`` stand for what their names say."""
        own = {
            (labelled(name, self.labels) if "{" not in name else name): values
            for name, values in self.series.items()
        }
        return {**self.terms(samples), **own}

    def measured(self, threshold: Threshold, values: str, cases: int = 10_000) -> None:
        """It has this signal, runs at its interval, and is well. ``cases`` are those that
        somebody else has made each value of, where somebody else has."""
        labels = {**self.labels, **dict.fromkeys(threshold.signal.labels, "x")}
        signal = threshold.signal
        self.series[labelled(signal.name, labels)] = values
        counted = {**labels, "signal": signal.name}
        self.series[labelled("probe_sample_cases", counted)] = steady(cases, 1000)
        pace = self.step / (self.interval or self.kind.interval)
        name = signal.name.removesuffix("_seconds") + "_histogram_seconds_count"
        self.series[labelled(name, labels)] = f"0+{pace:.12g}x1000"
        runs = {**self.labels, "status": "ok"}
        self.series[labelled("probe_runs_total", runs)] = f"0+{pace:.12g}x1000"
        self.series["probe_success"] = steady(1, 1000)


@dataclass(frozen=True)
class Expected:
    """So many alerts fire with these labels at a moment, in seconds."""

    at: float
    labels: Mapping[str, str]
    count: int

    def as_test(self) -> dict[str, Any]:
        """One of promtool's tests of an expression."""
        name = labelled("ALERTS", {**self.labels, "alertstate": "firing"})
        return {
            "expr": f"count({name}) or vector(0)",
            "eval_time": duration(self.at),
            "exp_samples": [{"labels": "{}", "value": self.count}],
        }


@dataclass
class World:
    """Checks, and what is expected of them."""

    samples: int = 60
    checks: list[Seen] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    expected: list[Expected] = field(default_factory=list)
    step: int = STEP

    def expect(self, at: float, count: int, **labels: str) -> None:
        """So many alerts with these labels."""
        self.expected.append(Expected(at, labels, count))

    def document(self) -> dict[str, Any]:
        """As one of promtool's test groups."""
        series = dict(self.more)
        for check in self.checks:
            series |= check.lines(self.samples)
        return {
            "interval": f"{self.step}s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [each.as_test() for each in self.expected],
        }


def run(folder: Path, kinds: Iterable[Kind[Any, Any]], worlds: Sequence[World]) -> None:
    """Let promtool hold the rules against the worlds, which have one step; fails the test with
    what it says."""
    program = requirements.program("promtool", part="prometheus")
    (folder / "rules.yml").write_text(rules_file(kinds), encoding="utf-8")
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{worlds[0].step}s",
        "tests": [world.document() for world in worlds],
    }
    (folder / "test.yml").write_text(dump(document), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
