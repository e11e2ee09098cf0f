"""The life of a failure in the rules: flickering, easing, unknown, backed up, several regions."""

from pathlib import Path

from probe.core.causes import Cause
from probe.core.model import FailurePolicy, Verdict
from tests.alerts.prometheus.worlds import GONE, STEP, Seen, World, labelled, run, steady
from tests.fake_kind import toy_kind

KIND = toy_kind(
    failing=FailurePolicy(
        Verdict.CRITICAL,
        severity_with_backup=Verdict.WARNING,
        hold=60.0,
        warning_only_causes=frozenset({Cause.HAIRPIN_FAILED}),
    ),
    interval=30.0,
)
WARNING = {"alertname": "ProbeFailing", "level": "warning"}
CRITICAL = {"alertname": "ProbeFailing", "level": "critical"}
PAGE = {"alertname": "ProbeFailing", "severity": "critical", "scope": "global"}
GOOD, BAD = 1.0, 0.0
START = 20 * STEP


def check(name: str, success: str, *, region: str = "lax", group: str = "", **series: str) -> Seen:
    """A check whose success is this over time."""
    seen = Seen(KIND, name, region=region, group=group)
    seen.series = {"probe_success": f"{steady(GOOD, 20)} {success}", **series}
    return seen


def test_three_failures_of_six_go_on_as_one_that_lasts(tmp_path: Path) -> None:
    flicker = " ".join(f"{steady(BAD, 2)} {steady(GOOD, 2)}" for _ in range(10))
    recent = f"{steady(0, 20)} {steady(1, 4)} {steady(2, 4)} {steady(3, 40)}"
    often = check("often", flicker, probe_recent_failures=recent)
    seldom = check("seldom", flicker, probe_recent_failures=steady(1, 100))
    world = World(checks=[often, seldom])
    world.expect(START + 8 * STEP + 75, 1, **WARNING, check="often")
    world.expect(START + 8 * STEP + 75, 0, alertname="ProbeFailing", check="seldom")
    run(tmp_path, [KIND], [world])


def test_it_is_over_when_it_was_well_for_two_intervals(tmp_path: Path) -> None:
    world = World(checks=[check("toy", f"{steady(BAD, 8)} {steady(GOOD, 40)}")])
    over = START + 8 * STEP
    world.expect(over - STEP, 1, **PAGE, check="toy")
    world.expect(over + 30, 1, **PAGE, check="toy")
    world.expect(over + 60, 0, alertname="ProbeFailing", check="toy")
    run(tmp_path, [KIND], [world])


def test_what_could_not_be_measured_ends_nothing_and_begins_nothing(tmp_path: Path) -> None:
    blind = check("fails", f"{steady(BAD, 8)} {GONE}")
    never = check("never", f"{GONE}")
    gone = check("gone", f"{steady(BAD, 8)} {GONE}")
    # Nobody has it configured any more: what burned of it is over.
    gone.series["probe_interval_seconds"] = f"{steady(30, 28)} stale"
    world = World(checks=[blind, never, gone])
    world.expect(START + 50 * STEP, 1, **PAGE, check="fails")
    world.expect(START + 50 * STEP, 0, check="never", alertname="ProbeFailing")
    world.expect(START + 50 * STEP, 0, check="gone", alertname="ProbeFailing")
    run(tmp_path, [KIND], [world])


def test_a_failure_that_others_carry_is_a_warning_and_eases_at_once(tmp_path: Path) -> None:
    """Both fail, then one works again."""
    one = check("one", steady(BAD, 80), group="g")
    other = check("other", f"{steady(BAD, 20)} {steady(GOOD, 60)}", group="g")
    stranger = check("stranger", steady(BAD, 80), group="h")
    world = World(checks=[one, other, stranger])
    before, after = START + 19 * STEP, START + 22 * STEP
    for name in ("one", "other", "stranger"):
        world.expect(before, 1, **PAGE, check=name)
    world.expect(after, 0, **PAGE, check="one")
    world.expect(after, 1, **WARNING, check="one")
    world.expect(START + 40 * STEP, 0, alertname="ProbeFailing", check="other")
    world.expect(START + 40 * STEP, 1, **PAGE, check="stranger")
    run(tmp_path, [KIND], [world])


def test_a_mild_cause_is_never_more_than_a_warning(tmp_path: Path) -> None:
    world = World()
    for name, cause in (("mild", "hairpin_failed"), ("grave", "dns_failed")):
        seen = check(name, steady(BAD, 40))
        info = {**seen.labels, "phase": "x", "cause": cause}
        seen.series[labelled("probe_failure_info", info)] = steady(1, 80)
        world.checks.append(seen)
    world.expect(START + 90, 1, **WARNING, check="mild")
    world.expect(START + 90, 0, **PAGE, check="mild")
    world.expect(START + 90, 1, **PAGE, check="grave")
    run(tmp_path, [KIND], [world])


def test_two_regions_have_to_agree_before_it_pages(tmp_path: Path) -> None:
    """Three regions: one fails, then a second; a fourth that can't look has no voice."""
    world = World(
        checks=[
            check("toy", steady(BAD, 80), region="lax"),
            check("toy", f"{steady(GOOD, 20)} {steady(BAD, 60)}", region="ams"),
            check("toy", steady(GOOD, 80), region="nrt"),
            check("toy", GONE, region="syd"),
        ],
        samples=110,
    )
    local = START + 19 * STEP
    world.expect(local, 1, **WARNING)
    world.expect(local, 1, **WARNING, region="lax")
    world.expect(local, 0, **PAGE)
    both = START + 26 * STEP
    world.expect(both, 1, **PAGE)
    world.expect(both, 2, **CRITICAL)
    run(tmp_path, [KIND], [world])


def test_two_probes_of_one_region_are_one_voice(tmp_path: Path) -> None:
    twin = check("toy", steady(BAD, 80), region="lax")
    lines = {
        name.replace("lax:9091", "lax:9092"): values for name, values in twin.lines(110).items()
    }
    world = World(checks=[twin, check("toy", steady(GOOD, 80), region="ams")], more=lines)
    world.expect(START + 20 * STEP, 2, **CRITICAL)
    world.expect(START + 20 * STEP, 0, **PAGE)
    run(tmp_path, [KIND], [world])


def test_who_alone_can_see_anything_decides_alone(tmp_path: Path) -> None:
    world = World(
        checks=[
            check("toy", steady(BAD, 80), region="lax"),
            check("toy", GONE, region="ams"),
        ],
    )
    world.expect(START + 90, 1, **PAGE)
    run(tmp_path, [KIND], [world])


def test_a_probe_that_is_gone_is_told(tmp_path: Path) -> None:
    two = World(
        samples=80,
        more={
            labelled("probe_build_info", {"region": "lax"}): steady(1, 80),
            labelled("probe_build_info", {"region": "ams"}): f"{steady(1, 20)} stale",
        },
    )
    two.expect(START + 6 * 60, 1, alertname="ProbeRegionSilent")
    two.expect(START + 6 * 60, 1, alertname="ProbeRegionSilent", region="ams")
    two.expect(START + 6 * 60, 0, alertname="ProbeAbsent")
    none = World(samples=80)
    none.expect(270, 0, alertname="ProbeAbsent")
    none.expect(330, 1, alertname="ProbeAbsent")
    run(tmp_path, [KIND], [two, none])


def test_the_probe_itself_at_below_and_above_its_limits(tmp_path: Path) -> None:
    """Each: name of the series, a good value, a bad one, the alert."""
    cases = (
        ("probe_config_last_reload_successful", "1x80", "0x80", "ProbeConfigWrong"),
        ("probe_history_healthy", "1x80", "0x80", "ProbeHistoryUnhealthy"),
        ("probe_notifications_waiting", "0x80", "1x80", "ProbeMessagesWait"),
        ("probe_notifications_refused", "3x80", "0x20 1x60", "ProbeMessagesRefused"),
        ("probe_heartbeat_failures_total", "0x60 1 2x20", "0+1x80", "ProbeHeartbeatFails"),
    )
    world = World(samples=80)
    for region in ("good", "at", "bad"):
        build = {"instance": region, "region": region}
        world.more[labelled("probe_build_info", build)] = steady(1, 80)
    for name, good, bad, alert in cases:
        world.more[labelled(name, {"instance": "good"})] = good
        world.more[labelled(name, {"instance": "bad"})] = bad
        world.expect(15 * 60, 0, alertname=alert, region="good")
        world.expect(15 * 60, 1, alertname=alert, region="bad")
    for region, fast in (("good", 0.95), ("at", 0.9), ("bad", 0.5)):
        for le, share in (("0.1", fast), ("1", 1.0), ("+Inf", 1.0)):
            labels = {"instance": region, "le": le}
            values = f"0+{30 * share:g}x80"
            world.more[labelled("probe_loop_lag_seconds_bucket", labels)] = values
        world.expect(15 * 60, int(region == "bad"), alertname="ProbeHeldUp", region=region)
    run(tmp_path, [KIND], [world])
