"""Worlds for ``promtool test rules``: what probes export, and what fires at which moment.

promtool takes longer to start and to read the rules than to evaluate a world, so all worlds of a
file are one run of it: ``verdicts`` gives what it says of each.
"""

import dataclasses
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from alerts.prometheus.promql import duration
from alerts.prometheus.rules import rules_file
from alerts.prometheus.yaml import dump
from probe.core.kind import Kind
from tests import requirements

STEP = 15
# What a series that is not there at a moment has then; a scrape marks it once.
GONE = "stale"
Values = str


def steady(value: float, samples: int) -> Values:
    """The same value so many times, in promtool's notation."""
    return f"{value:.15g}x{samples - 1}" if samples > 1 else f"{value:.15g}"


def course(*parts: tuple[float | None, int]) -> Values:
    """Values one after the other, each for so many samples; None: there is none."""
    words = [
        steady(value, count) if value is not None else " ".join([GONE] + ["_"] * (count - 1))
        for value, count in parts
    ]
    return " ".join(words)


def labelled(name: str, labels: Mapping[str, str]) -> str:
    """A series' name."""
    inner = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"


class Seen(Struct, frozen=True):
    """One check of one probe, as its scrapes show it.

    ``severity`` is what the probe itself has firing of it, ``success`` its last run, each over
    time; ``presence`` replaces both and all else while the probe is dead.
    """

    check: str = "toy"
    region: str = "lax"
    job: str = "probe"
    instance: str = ""
    component: str = "Backend"
    severity: Values = ""
    success: Values = ""
    more: Mapping[str, Values] = field(default_factory=dict)
    page: str = "critical"
    objective: float = 0.999
    partial: str = ""

    @property
    def place(self) -> dict[str, str]:
        """The labels of its probe."""
        return {"job": self.job, "instance": self.instance or f"{self.region}:9091"}

    @property
    def labels(self) -> dict[str, str]:
        """What every line of it has."""
        return {**self.place, "region": self.region, "check": self.check}

    def lines(self, samples: int, step: int = STEP) -> dict[str, Values]:
        """All of its series; those in ``more`` come in addition or instead."""
        always = steady(1, samples)
        full = {**self.labels, "kind": "toy", "target": f"test://{self.check}"}
        info = {
            "severity": self.page,
            "partial": self.partial,
            "group": "",
            "subject": self.check,
            "component": self.component,
            "service": "toys",
        }
        share = {**self.place, "kind": "toy"}
        failing = {**self.labels, "signal": "failing", "symptom": "down"}
        found = {
            labelled("up", self.place): always,
            labelled("probe_build_info", {**self.place, "region": self.region}): always,
            labelled("probe_interval_seconds", full): steady(30, samples),
            labelled("probe_check_info", {**full, **info}): always,
            labelled("probe_last_run_timestamp_seconds", full): f"0+{step}x{samples}",
            labelled("probe_success", full): self.success or always,
            labelled("probe_alert_severity", failing): self.severity or steady(0, samples),
            labelled("probe_objective_ratio", share): steady(self.objective, samples),
        }
        own = {
            name if "{" in name else labelled(name, self.labels): values
            for name, values in self.more.items()
        }
        return {**found, **own}


def dead(seen: Seen, alive: int, away: int, back: int, severity: float = 0.0) -> dict[str, Values]:
    """The lines of a probe that is not scraped for a time; what fires before fires after, too."""
    lines = {}
    for name, values in seen.lines(alive + away + back).items():
        if name.startswith("up{"):
            lines[name] = course((1, alive), (0, away), (1, back))
        elif name.startswith("probe_alert_severity"):
            lines[name] = course((severity, alive), (None, away), (severity, back))
        elif name.startswith("probe_success"):
            lines[name] = course((float(not severity), alive), (None, away), (1, back))
        else:
            first = values.split("x")[0]
            lines[name] = f"{first}x{alive - 1} {GONE} {'_x' + str(away - 2)} {first}x{back - 1}"
    return lines


_ITEM = re.compile(r"(-?[\d.e]+|_|stale)(?:\+([\d.]+))?(?:x(\d+))?")
_NAMED = ("kind", "target", "component", "service", "subject")


def expanded(values: Values) -> list[float | None]:
    """A notation's values, one by one."""
    found: list[float | None] = []
    for word in values.split():
        match = _ITEM.fullmatch(word)
        assert match is not None, word
        gone, step, count = match[1] in ("_", "stale"), float(match[2] or 0), int(match[3] or 0)
        for index in range(count + (match[1] != "_" or not count)):
            found.append(None if gone else float(match[1]) + index * step)
    return found


def only(
    values: list[float | None], keep: Callable[[float], bool], as_: float | None = None
) -> str:
    """The values that are kept, and gaps for the others."""
    words, there = [], False
    for value in values:
        kept = value is not None and keep(value)
        shown = value if as_ is None else as_
        words.append(f"{shown:g}" if kept else GONE if there else "_")
        there = kept
    return " ".join(words)


def as_exported(series: Mapping[str, Values]) -> dict[str, Values]:
    """What fires carries what alerts are named by, and is a series of its own; what fails misses
    its objective."""
    infos: dict[tuple[str, str], dict[str, str]] = {}
    for name in series:
        if name.startswith("probe_check_info{"):
            labels = labels_of(name)
            infos[labels["instance"], labels["check"]] = labels
    found = dict(series)
    for name, values in series.items():
        metric, labels = name.partition("{")[0], labels_of(name)
        info = infos.get((labels.get("instance", ""), labels.get("check", "")))
        if info is None or metric not in ("probe_alert_severity", "probe_success"):
            continue
        named = {each: info[each] for each in _NAMED}
        here = {each: labels[each] for each in ("job", "instance", "region", "check")}
        every = expanded(values)
        if metric == "probe_success":
            page = info["severity"] == "critical" and not info["partial"]
            missed = {"signal": "probe_success", "urgency": "page" if page else "ticket"}
            own = labelled("probe_objective_missed", {**here, **named, **missed})
            found[own] = only(every, lambda value: value == 0, 1.0)
        elif "component" not in labels:
            found[name] = only(every, lambda value: value == 0)
            found[labelled(metric, {**labels, **named})] = only(every, lambda value: value > 0)
    return found


def labels_of(name: str) -> dict[str, str]:
    """The labels of a series."""
    return dict(re.findall(r'(\w+)="([^"]*)"', name))


class Expected(Struct, frozen=True):
    """So many alerts fire with these labels at a moment, in seconds."""

    at: float
    labels: Mapping[str, str]
    count: int

    def as_test(self, world: str) -> dict[str, Any]:
        """One of promtool's tests of an expression, which says whose it is."""
        name = labelled("ALERTS", {**self.labels, "alertstate": "firing"})
        return {
            "expr": f"count({name}) or vector(0) # {world}",
            "eval_time": duration(self.at),
            "exp_samples": [{"labels": "{}", "value": self.count}],
        }


@dataclasses.dataclass
class World:
    """Checks, and what is expected of them. ``step`` is how often they are scraped."""

    samples: int = 60
    checks: list[Seen] = dataclasses.field(default_factory=list)
    more: dict[str, Values] = dataclasses.field(default_factory=dict)
    expected: list[Expected] = dataclasses.field(default_factory=list)
    texts: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    step: int = STEP

    def expect(self, at: float, count: int, **labels: str) -> None:
        """So many alerts with these labels."""
        self.expected.append(Expected(at, labels, count))

    def always(self, times: Iterable[float], count: int, **labels: str) -> None:
        """The same at several moments."""
        for at in times:
            self.expect(at, count, **labels)

    def document(self, name: str) -> dict[str, Any]:
        """As one of promtool's test groups."""
        series: dict[str, Values] = {}
        for check in self.checks:
            series |= check.lines(self.samples, self.step)
        series = as_exported(series | self.more)
        return {
            "interval": f"{self.step}s",
            "input_series": [{"series": key, "values": values} for key, values in series.items()],
            "promql_expr_test": [each.as_test(name) for each in self.expected],
            "alert_rule_test": self.texts,
        }


def verdicts(
    folder: Path, kinds: Iterable[Kind[Any, Any]], worlds: Mapping[str, World], every: int = STEP
) -> dict[str, str]:
    """What promtool objects to, by the name of the world; empty for one that is as expected."""
    program = requirements.program("promtool", part="prometheus")
    (folder / "rules.yml").write_text(rules_file(kinds), encoding="utf-8")
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{every}s",
        "tests": [world.document(name) for name, world in worlds.items()],
    }
    (folder / "test.yml").write_text(dump(document), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        # It ends soon: a fifth of its time would go into looking for garbage.
        env={**os.environ, "GOGC": "400"},
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "FAILED" in said, said
    found = dict.fromkeys(worlds, "")
    if done.returncode == 0:
        return found
    for part in re.split(r"^ +(?=expr:|alertname:)", said, flags=re.MULTILINE)[1:]:
        named = re.search(r"# (\w+)", part)
        # Of texts promtool names the alert alone.
        for name in [named[1]] if named else [each for each in worlds if worlds[each].texts]:
            found[name] += part
    assert any(found.values()), said
    return found
