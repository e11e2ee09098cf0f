"""Worlds for the alert rules: regions that agree or don't, and what a probe that is gone leaves."""

from collections.abc import Callable

from tests.alerts.prometheus.worlds import (
    STEP,
    Seen,
    World,
    course,
    dead,
    steady,
)

PAGE = {"alertname": "BackendDown", "severity": "critical", "scope": "global"}


WARNING = {"alertname": "BackendDown", "severity": "warning", "scope": "region"}


GONE_FOREVER = "stale _x200"


SILENT = {"alertname": "ProbeRegionSilent"}


# Alerts outlive their end by so much, and what reads the previous evaluation is one behind.
KEPT = 120 + 2 * STEP


START = 20 * STEP


Make = Callable[[], World]


WORLDS: dict[str, Make] = {}


def world(make: Make) -> Make:
    """Register a world under its function's name."""
    WORLDS[make.__name__] = make
    return make


def failing(region: str, start: int, count: int, after: int = 200, **changes: object) -> Seen:
    """A check that is critical in a region from a sample on, for so many."""
    severity = course((0, start), (2, count), (0, after))
    success = course((1, start), (0, count), (1, after))
    return Seen(region=region, severity=severity, success=success, **changes)  # type: ignore[arg-type]


def passing(region: str, **changes: object) -> Seen:
    """A check that passes all the time."""
    return Seen(region=region, **changes)  # type: ignore[arg-type]


@world
def one_region_that_is_cut_off_makes_no_page() -> World:
    made = World(300, [failing("lax", 20, 80), passing("fra"), passing("nrt")])
    made.always(range(START, 290 * STEP, 300), 0, severity="critical")
    made.expect(START + 10 * STEP, 1, **WARNING, region="lax")
    made.expect(START + 10 * STEP, 0, region="fra")
    made.expect((100 + 1) * STEP + KEPT, 0, alertname="BackendDown")
    return made


@world
def one_of_two_regions_makes_no_page() -> World:
    made = World(300, [failing("lax", 20, 80), passing("fra")])
    made.always(range(START, 290 * STEP, 300), 0, severity="critical")
    return made


@world
def two_regions_that_agree_page_until_the_last_of_them_recovers() -> World:
    """``nrt`` is well; ``fra`` recovers ten scrapes after ``lax``."""
    made = World(300, [failing("lax", 20, 20), failing("fra", 22, 28), passing("nrt")])
    made.expect(START + STEP, 0, **PAGE)
    made.always((START + 3 * STEP, 39 * STEP, 49 * STEP, 49 * STEP + 60), 1, **PAGE)
    # Nothing of a region is left when the page is over.
    made.always(range(50 * STEP + KEPT, 290 * STEP, 300), 0, alertname="BackendDown")
    return made


@world
def the_only_region_decides_alone() -> World:
    made = World(300, [failing("lax", 20, 20)])
    made.expect(START + STEP, 1, **PAGE)
    return made


@world
def a_region_that_could_not_measure_has_no_vote() -> World:
    blind = Seen(region="fra", severity=f"_x100 {steady(0, 1)}", success="_x300")
    made = World(300, [failing("lax", 20, 20), blind])
    made.expect(START + STEP, 1, **PAGE)
    return made


@world
def two_probes_of_one_region_are_one_vote() -> World:
    twins = [failing("lax", 20, 80, instance=f"lax-{name}") for name in "ab"]
    made = World(300, [*twins, passing("fra")])
    made.expect(START + 20 * STEP, 0, **PAGE)
    made.expect(START + 20 * STEP, 1, **WARNING)
    return made


@world
def what_is_a_warning_to_the_probe_makes_no_page() -> World:
    """A failure that others carry, or of a mild cause: the probe says 1."""
    both = [
        Seen(region=region, severity=course((0, 20), (1, 60)), success=course((1, 20), (0, 60)))
        for region in ("lax", "fra")
    ]
    made = World(80, both)
    made.expect(START + 20 * STEP, 0, severity="critical")
    made.expect(START + 20 * STEP, 2, **WARNING)
    return made


def _killed(away: int) -> World:
    """Two regions see an outage; the probe in ``lax`` dies meanwhile."""
    made = World(300, [failing("fra", 20, 250)])
    lax = failing("lax", 20, 250)
    lines = dead(lax, 60, away, 200)
    values = (course((0, 20), (2, 40), (None, away), (2, 200)),)
    for name in lines:
        if name.startswith("probe_alert_severity"):
            (lines[name],) = values
    made.more |= lines
    return made


@world
def a_probe_that_is_killed_resolves_nothing() -> World:
    made = _killed(120)
    made.always(range(START + STEP, 260 * STEP, 60), 1, **PAGE)
    made.always(range(START + STEP, 260 * STEP, 60), 1, **WARNING, region="lax")
    made.always((60 * STEP + 180, 179 * STEP), 1, **SILENT, region="lax")
    made.always((60 * STEP + 180, 179 * STEP), 1, **SILENT)
    made.expect(59 * STEP, 0, **SILENT)
    made.expect(182 * STEP + KEPT, 0, **SILENT)
    return made


@world
def a_probe_alone_that_is_killed_resolves_nothing() -> World:
    lax = failing("lax", 20, 250)
    lines = dead(lax, 60, 200, 100)
    for name in lines:
        if name.startswith("probe_alert_severity"):
            lines[name] = course((0, 20), (2, 40), (None, 200), (0, 100))
    made = World(360, more=lines)
    made.always(range(START + STEP, 259 * STEP, 120), 1, **PAGE)
    # Nothing is monitored any more, which pages itself.
    made.expect(60 * STEP + 400, 1, alertname="ProbeAbsent", severity="critical")
    made.expect(262 * STEP + KEPT, 0, **PAGE)
    return made


@world
def a_region_that_recovers_meanwhile_ends_the_page_and_not_the_dead_ones_warning() -> World:
    made = World(300, [failing("fra", 20, 60)])
    lines = dead(failing("lax", 20, 250), 40, 200, 60)
    for name in lines:
        if name.startswith("probe_alert_severity"):
            lines[name] = course((0, 20), (2, 20), (None, 200), (0, 60))
    made.more |= lines
    made.expect(79 * STEP, 1, **PAGE)
    made.expect(81 * STEP + KEPT, 0, **PAGE)
    made.expect(81 * STEP + KEPT, 1, **WARNING, region="lax")
    made.expect(243 * STEP + KEPT, 0, alertname="BackendDown")
    return made


@world
def a_probe_whose_target_vanishes_from_discovery_resolves_nothing() -> World:
    """``up`` goes with it, as on Fly or Kubernetes."""
    made = World(300, [passing("fra")])
    lines = dead(failing("lax", 20, 250), 60, 120, 100)
    for name in lines:
        if name.startswith("up{"):
            lines[name] = course((1, 60), (None, 120), (1, 100))
        if name.startswith("probe_alert_severity"):
            lines[name] = course((0, 20), (2, 40), (None, 120), (0, 100))
    made.more |= lines
    made.always((59 * STEP, 100 * STEP, 179 * STEP), 1, **WARNING, region="lax")
    made.expect(100 * STEP, 1, **SILENT, region="lax")
    made.expect(183 * STEP + KEPT, 0, alertname="BackendDown")
    return made


@world
def a_restart_holds_an_alert_until_the_first_result() -> World:
    """The process starts anew without its data: before its first result it says nothing."""
    seen = failing("lax", 20, 20)
    failing_series = next(name for name in seen.lines(1) if "probe_alert_severity" in name)
    made = World(200, [seen])
    made.more[failing_series] = course((0, 20), (2, 40), (None, 20), (0, 100))
    made.expect(79 * STEP, 1, **PAGE)
    made.expect(81 * STEP + KEPT, 0, **PAGE)
    return made


@world
def a_check_that_is_removed_is_resolved() -> World:
    seen = failing("lax", 20, 20)
    made = World(200, [seen])
    for name in seen.lines(1):
        if "check=" in name:
            first = seen.lines(200)[name].split(" ")[0].split("x")[0]
            made.more[name] = f"{first}x39 {GONE_FOREVER}"
        if name.startswith("probe_alert_severity"):
            made.more[name] = course((0, 20), (2, 20), (None, 100))
    made.expect(39 * STEP, 1, **PAGE)
    made.expect(41 * STEP + KEPT, 0, alertname="BackendDown")
    return made
