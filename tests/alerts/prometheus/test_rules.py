"""The rules file: what promtool and a linter say of it, and that the probe's limits move it."""

import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerts.evaluation.check_state import CheckStates
from alerts.prometheus.promql import Alerting, Recording
from alerts.prometheus.rules import groups, rules_file
from alerts.state.alert_store import AlertStore
from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import SUCCESS, Result, Sample, Status
from probe.kinds import KINDS
from probe.kinds.http import KIND as HTTP
from probe.kinds.http.signals import RESPONSE
from probe.metrics.exporter import Exporter
from tests import requirements
from tests.alerts.prometheus.hour import exported, notation
from tests.alerts.prometheus.worlds import World, labelled, steady, verdicts
from tests.clocks import Clock
from tests.fake_kind import toy_kind

ALL = (*KINDS, toy_kind())
RULES = [rule for group in groups(ALL) for rule in group.rules]
ALERTS = [rule for rule in RULES if isinstance(rule, Alerting)]


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    program = requirements.program("promtool", part="prometheus")
    (tmp_path / "rules.yml").write_text(rules_file(ALL), encoding="utf-8")
    command = [program, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_generic_and_few() -> None:
    """Neither a kind nor a signal of a kind is in them but as a name of an alert."""
    text = rules_file(ALL)
    assert len(text.splitlines()) < 800
    exprs = "\n".join(rule.expr for rule in RULES)
    assert not re.search(r'\bkind="', exprs)
    for signal in (signal for kind in KINDS for signal in kind.signals):
        assert not re.search(rf"\b{signal.name}\b", exprs)


def test_every_alert_says_what_where_to_go_and_outlives_a_lost_scrape() -> None:
    for rule in ALERTS:
        wanted = {"summary", "description", "runbook_url", "dashboard_url"}
        assert wanted <= set(rule.annotations), rule.alert
        assert rule.keep >= 60, rule.alert


def test_every_recorded_value_that_a_rule_reads_is_recorded() -> None:
    recorded = {rule.record for rule in RULES if isinstance(rule, Recording)}
    read = set(re.findall(r"\bprobe:[a-z_:0-9]+", "\n".join(rule.expr for rule in RULES)))
    assert read == recorded


def test_no_rule_takes_a_rate_of_a_gauge_or_a_window_shorter_than_four_scrapes() -> None:
    """What pint checks as promql/rate: at the default interval of a minute four samples."""
    for rule in RULES:
        for name, window in re.findall(r"(?:rate|increase)\((\w+)\[(\d+)m\]", rule.expr):
            assert name.endswith(("_total", "_bucket", "_count")), rule
            assert int(window) >= 4, rule


def test_every_vector_match_names_its_labels() -> None:
    """What pint checks as promql/vector_matching: no match on whatever labels there are."""
    for rule in RULES:
        for found in re.finditer(r"\b(and|unless)\b(?! on \()", rule.expr):
            raise AssertionError(f"{rule}: {rule.expr[found.start() : found.start() + 60]}")


def plan(limits: str) -> Check:
    """The check of a backend with a table as probe.toml has it."""
    raw: dict[str, Any] = {"name": "health", "thresholds": {RESPONSE.name: eval_limits(limits)}}
    made = make_plan(KINDS, Variables({"BACKEND_URL": "https://example.org"}), {"http": [raw]})
    return next(check for check in made.checks if check.name == "health")


def eval_limits(text: str) -> dict[str, float]:
    """``warning = 1, critical = 2`` as a table."""
    pairs = (part.split("=") for part in text.split(","))
    return {name.strip(): float(value) for name, value in pairs}


def scraped(limits: str, values: list[float]) -> Mapping[str, str]:
    """What a daemon exports whose check takes these times, one run and one scrape every 15 s."""
    check, clock = plan(limits), Clock()
    states, store = CheckStates(), AlertStore("lax")
    exporter = Exporter(region="lax", clock=clock, full=False, alerts=lambda: store.firing)
    states.set_checks([check])
    store.set_checks([check], 0.0)
    exporter.set_checks([check])
    series: dict[str, list[float | None]] = {}
    for index, seconds in enumerate(values):
        clock.seconds = at = 15.0 * index
        samples = (Sample(SUCCESS, 1.0), Sample(RESPONSE, seconds))
        started = datetime.fromtimestamp(at, UTC)
        result = Result(check.name, Status.OK, started, seconds, samples=samples)
        states.update(result, at, at)
        state = states.state(check.name)
        assert state is not None
        store.update(check, result, state.evaluations, at, backed_up=False)
        exporter.observe(result, state.evaluations)
        for name, value in exported(exporter):
            column = series.setdefault(name, [])
            column += [None] * (index - len(column))
            column.append(value)
    return {name: notation(column) for name, column in series.items()}


def slow(fires: bool, limits: str) -> World:
    """A check that answers in 1.2 s for ten minutes."""
    world = World(80, more=dict(scraped(limits, [0.1] * 30 + [1.2] * 50)))
    world.expect(79 * 15, int(fires), alertname="BackendSlow", scope="global")
    return world


WORLDS: dict[str, Callable[[], World]] = {
    "below_its_limit": lambda: slow(False, "warning = 1.3, critical = 2"),
    "beyond_a_limit_that_was_lowered": lambda: slow(True, "warning = 0.5, critical = 1"),
    "beyond_a_warning_limit_only": lambda: slow(False, "warning = 1, critical = 2"),
}


def test_a_limit_of_probe_toml_moves_the_rule(tmp_path: Path) -> None:
    made = {name: make() for name, make in WORLDS.items()}
    found = verdicts(tmp_path, [HTTP], made)
    assert {name: text for name, text in found.items() if text} == {}


def test_the_probe_itself_at_below_and_above_its_limits(tmp_path: Path) -> None:
    """Each: name of the series, a good value, a bad one, the alert."""
    cases = (
        ("probe_config_last_reload_successful", "1x80", "0x80", "ProbeConfigWrong"),
        ("probe_history_healthy", "1x80", "0x80", "ProbeHistoryUnhealthy"),
        ("probe_notifications_waiting", "0x80", "1x80", "ProbeMessagesWait"),
        ("probe_notifications_refused", "0x80", "0x20 1x60", "ProbeMessagesRefused"),
        ("probe_heartbeat_failures_total", "0x60 1 2x20", "0+1x80", "ProbeHeartbeatFails"),
    )
    world = World(samples=80)
    for region in ("good", "at", "bad"):
        build = {"job": "probe", "instance": region, "region": region}
        world.more[labelled("probe_build_info", build)] = steady(1, 80)
    for name, good, bad, alert in cases:
        world.more[labelled(name, {"job": "probe", "instance": "good"})] = good
        world.more[labelled(name, {"job": "probe", "instance": "bad"})] = bad
        world.expect(15 * 60, 0, alertname=alert, region="good")
        world.expect(15 * 60, 1, alertname=alert, region="bad")
    for region, fast in (("good", 0.95), ("at", 0.9), ("bad", 0.5)):
        for le, share in (("0.1", fast), ("1", 1.0), ("+Inf", 1.0)):
            labels = {"job": "probe", "instance": region, "le": le}
            world.more[labelled("probe_loop_lag_seconds_bucket", labels)] = f"0+{30 * share:g}x80"
        world.expect(15 * 60, int(region == "bad"), alertname="ProbeHeldUp", region=region)
    empty = World(samples=80)
    empty.expect(270, 0, alertname="ProbeAbsent")
    empty.expect(330, 1, alertname="ProbeAbsent", severity="critical")
    found = verdicts(tmp_path, [HTTP], {"probes": world, "empty": empty})
    assert found == {"probes": "", "empty": ""}
