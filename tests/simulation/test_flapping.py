"""Outages that come again and again, with kills after the last one: the alert flaps, and is
resolved once when it has been good for long enough, which no restart begins anew or cuts short."""

import pytest

from alerts.state.machine import FLAP_CLEAR_SECONDS
from tests.simulation.faults import Fault, Scenario
from tests.simulation.monitor import INTERVAL, RESTART_SECONDS, Simulation
from tests.simulation.test_simulation import memory_folder

NEVER = 1e9
# The first good result, a restart and the sending come later than the end of the outage.
LATEST = 2 * INTERVAL + RESTART_SECONDS


def _outages(count: int, every: float, lasts: float) -> tuple[Fault, ...]:
    starts = (100.0 + number * every for number in range(count))
    return tuple(Fault("outage", "a", start, start + lasts) for start in starts)


def _kills(start: float, every: float) -> tuple[Fault, ...]:
    """Kills from then on, for as long as the alert has to be good at most."""
    times = enumerate(start + number * every for number in range(int(FLAP_CLEAR_SECONDS / every)))
    return tuple(Fault("kill", "process", at, at, size=place % 12) for place, at in times)


@pytest.mark.parametrize("kills_every", [NEVER, 45.0])
def test_a_flapping_incident_is_resolved_once_after_its_calm_whatever_is_killed(
    kills_every: float,
) -> None:
    outages, calm = _outages(4, every=700.0, lasts=160.0), FLAP_CLEAR_SECONDS
    ended = outages[-1].end
    with memory_folder() as folder:
        faults = outages + _kills(ended, kills_every)
        run = Simulation(Scenario(0, ("a",), faults, ended + calm + 1200.0), folder).play()
    assert not run.errors
    assert kills_every == NEVER or run.lives > 10
    for receiver in run.receivers.values():
        occasions = [each.message.occasion.value for each in receiver.incidents]
        assert occasions == ["firing", "resolved"] * len(outages), receiver.name
        assert calm <= receiver.incidents[-1].at - ended <= calm + LATEST
