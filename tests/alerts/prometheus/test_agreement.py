"""The daemon's own judging and the rules agree on an hour with faults."""

import re
import subprocess
from pathlib import Path

from alerts.prometheus.alert_rules import KEEP_SECONDS
from alerts.prometheus.promql import EVERY, duration
from alerts.prometheus.rules import rules_file
from alerts.prometheus.yaml import dump
from probe.kinds import KINDS
from tests import requirements
from tests.alerts.prometheus.hour import HOUR, SCRAPE, AlertKey, Hour, lived, notation

# One scrape until it is seen, one evaluation until it is judged.
ALLOWED = SCRAPE + EVERY
# An alert outlives its end on purpose.
ALLOWED_END = KEEP_SECONDS + 2 * ALLOWED
_BLOCK = re.compile(r"time: (\S+),\s+exp: nil\s+got: (.*?)(?=\n\s+expr:|\n\s*\n|\Z)", re.DOTALL)
_ALERT = re.compile(r"\{([^}]*)\} ")


def _seconds(text: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([hms])", text))


def firing_times(folder: Path, hour: Hour) -> dict[AlertKey, list[list[float]]]:
    """When each alert was firing, as promtool has evaluated the rules."""
    program = requirements.program("promtool", part="prometheus")
    (folder / "rules.yml").write_text(rules_file(KINDS), encoding="utf-8")
    ask = 'ALERTS{check!="", alertname!="ErrorBudgetBurn", alertstate="firing"}'
    times = range(0, HOUR + 1, SCRAPE)
    # Nothing is expected, so promtool prints what it got.
    wanted = [{"expr": ask, "eval_time": duration(time)} for time in times]
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{SCRAPE}s",
        "tests": [
            {
                "interval": f"{SCRAPE}s",
                "input_series": [
                    {"series": name, "values": notation(values)}
                    for name, values in hour.series.items()
                ],
                "promql_expr_test": wanted,
            }
        ],
    }
    (folder / "test.yml").write_text(dump(document), encoding="utf-8")
    done = subprocess.run(
        [program, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "FAILED" in done.stdout + done.stderr, done.stdout + done.stderr
    return _spells(done.stdout + done.stderr)


def _spells(text: str) -> dict[AlertKey, list[list[float]]]:
    found: dict[AlertKey, list[list[float]]] = {}
    for at, got in _BLOCK.findall(text):
        now = float(_seconds(at))
        for inner in _ALERT.findall(got):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', inner))
            key = (labels["check"], labels["signal"], labels["severity"])
            spells = found.setdefault(key, [])
            if spells and spells[-1][1] == now - SCRAPE:
                spells[-1][1] = now
            else:
                spells.append([now, now])
    # It was still firing at its last moment, and resolved by the next.
    return {
        key: [[start, min(end + SCRAPE, HOUR)] for start, end in spells]
        for key, spells in found.items()
    }


def test_both_judge_an_hour_with_faults_alike(tmp_path: Path) -> None:
    hour = lived()
    ours = {key: spells for key, spells in hour.on.items() if spells}
    theirs = firing_times(tmp_path, hour)
    differences = []
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key, []), theirs.get(key, [])
        print(" ".join(key), "probe", one, "rules", other)
        assert len(one) == len(other), f"{key}: {one} and {other}"
        differences += [
            (there - here, allowed, *key)
            for ours_, theirs_ in zip(one, other, strict=True)
            for here, there, allowed in zip(ours_, theirs_, (ALLOWED, ALLOWED_END), strict=True)
        ]
    assert len(ours) >= 9
    for difference in sorted(differences):
        print("rules later by {:5.1f} s ({:g} allowed): {} {} {}".format(*difference))
    assert all(abs(difference) <= allowed for difference, allowed, *_ in differences)
