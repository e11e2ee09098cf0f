"""When an incident ends of which some checks fail for too short a time to be alerts yet."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Result
from tests.alerts.faults import small_lab
from tests.alerts.simulation import Says, Simulation, result
from tests.alerts.test_whole_incidents import T

# An alert of `health` fires after 30 s, one of `signaling` after 60 s.
Reload = Callable[[Sequence[Check]], list[Check]]


def two_checks() -> list[Check]:
    """Of one group."""
    return [check for check in small_lab() if check.name in ("health", "signaling")]


def failing(**times: tuple[float, float]) -> Says:
    """From when to when each check fails, in seconds after T."""

    def says(check: Check, at: float) -> Result:
        start, end = times.get(check.name.partition("-")[0], (0.0, 0.0))
        fails = T + start <= at < T + end
        return result(check, at, cause=Cause.CONNECT_REFUSED if fails else None)

    return says


def removed(checks: Sequence[Check]) -> list[Check]:
    """Without health."""
    return [check for check in checks if check.name != "health"]


def renamed(checks: Sequence[Check]) -> list[Check]:
    """Health has another name."""
    return [changed(c, name="health-2") if c.name == "health" else c for c in checks]


def changed(check: Check, **values: object) -> Check:
    """A check with other values in its table."""
    return replace(check, table=check.table.model_copy(update=values))


def none(checks: Sequence[Check]) -> list[Check]:
    """Nothing is monitored any more."""
    return []


def story(probe: Simulation) -> list[str]:
    """Triggers and resolves."""
    return [each.split()[1] for each in probe.events]


@pytest.mark.parametrize("reload", [removed, renamed])
@pytest.mark.parametrize("at", [45.0, 59.0])
@pytest.mark.parametrize("restarts", [False, True], ids=["reload", "restart"])
def test_a_check_that_is_taken_away_while_another_still_fails_is_no_end(
    reload: Reload, at: float, restarts: bool
) -> None:
    probe, says = Simulation(two_checks()), failing(health=(0, 300), signaling=(0, 300))
    probe.live(T + at + 1, says)
    assert story(probe) == ["trigger"]
    (probe.start if restarts else probe.reload)(reload(probe.checks))
    probe.live(T + 450, says)
    assert story(probe) == ["trigger", "resolve"]
    assert [each.occasion for each in probe.to("chat") if each.occasion != "changed"] == [
        "firing",
        "resolved",
    ]


@pytest.mark.parametrize("end", [35.0, 55.0])
def test_the_recovery_of_one_is_no_end_while_another_is_seen_to_fail(end: float) -> None:
    probe, says = Simulation(two_checks()), failing(health=(0, end), signaling=(0, 300))
    probe.live(T + 450, says)
    assert story(probe) == ["trigger", "resolve"]


@pytest.mark.parametrize(("reload", "latest"), [(removed, 60.0), (none, 42.0)], ids=["one", "all"])
def test_an_incident_ends_once_nothing_of_it_fails(reload: Reload, latest: float) -> None:
    probe, says = Simulation(two_checks()), failing(health=(0, 300), signaling=(0, 45))
    probe.live(T + 40, says)
    probe.reload(reload(probe.checks))
    probe.live(T + 600, says)
    assert story(probe) == ["trigger", "resolve"]
    assert probe.to("pager")[-1].at <= T + latest


def test_an_end_waits_two_minutes_at_most() -> None:
    checks = [
        changed(check, hold=600.0) if check.name == "signaling" else check for check in two_checks()
    ]
    probe, says = Simulation(checks), failing(health=(0, 60), signaling=(0, 500))
    probe.live(T + 600, says)
    assert story(probe) == ["trigger", "resolve"]
    assert T + 120 <= probe.to("pager")[-1].at <= T + 200


@pytest.mark.parametrize("end", [58.0, 300.0], ids=["recovers", "is removed"])
def test_a_warning_that_goes_on_does_not_end_it_for_the_pager(end: float) -> None:
    third = next(c for c in small_lab() if c.name == "allocation-backup-udp")
    checks = [*two_checks(), changed(third, hold=10.0, severity="warning")]
    probe = Simulation(checks)
    says = failing(health=(0, end), signaling=(0, 300), allocation=(0, 300))
    probe.live(T + 58, says)
    if end > 60:
        probe.reload(removed(checks))
    probe.live(T + 450, says)
    assert story(probe) == ["trigger", "resolve"]


@pytest.mark.parametrize("apart", [-5, 0, 5])
def test_an_old_page_that_ends_as_another_fault_fires_hides_nothing(apart: int) -> None:
    says = failing(health=(0, 1200), signaling=(1140 + apart, 1500))
    probe = Simulation(two_checks())
    probe.live(T + 1800, says)
    assert story(probe).count("trigger") == story(probe).count("resolve") == 2
