"""A daemon that is stopped in the middle of a journey leaves nothing in the application."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from msgspec import Struct, field

from probe.lab import Lab
from tests.daemon.checks.test_allocations import allocations, until
from tests.daemon.running import daemon

TABLE = '[[journey]]\nname = "journey"\nechoes = 1000\ndeadline = 300\n'


@pytest.fixture
async def lab(leaks: None) -> AsyncIterator[Lab]:
    async with Lab() as started:
        started.set_knob("backend.limits", "false")
        yield started


def rooms(lab: Lab) -> int:
    return lab.backend.signaling.matching.sessions


class Moment(Struct, frozen=True):
    """When the daemon is stopped, and what makes that moment last."""

    phase: str
    has_come: Callable[[Lab], bool]
    knobs: Mapping[str, str] = field(default_factory=dict)
    without: str = ""


MOMENTS = [
    Moment(
        "token",
        lambda lab: lab.backend.requests["/auth/token"] > 0,
        {"backend.latency": "5"},
        without="JWT_SECRET",
    ),
    Moment(
        "credentials",
        lambda lab: lab.backend.requests["/turn/credentials"] > 0,
        {"backend.latency": "5"},
    ),
    Moment("connect", lambda lab: lab.backend.sessions == 2, {"backend.signaling": "silent"}),
    Moment("queue", lambda lab: lab.backend.sessions == 2, {"backend.signaling_latency": "1"}),
    Moment("match", lambda lab: lab.backend.queue_length == 2, {"backend.match": "never"}),
    Moment("signal", lambda lab: rooms(lab) == 1, {"backend.signaling_latency": "1"}),
    # Closing waits for a second; an answer that takes longer is nobody's.
    Moment("ice", lambda lab: allocations(lab) > 0, {"primary.delay": "0.3"}),
    Moment("dtls", lambda lab: allocations(lab) == 2, {"primary.delay": "0.5"}),
    Moment("echo", lambda lab: allocations(lab) == 2),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.phase)
async def test_a_daemon_that_ends_in_a_journey_leaves_nothing(
    lab: Lab, tmp_path: Path, moment: Moment
) -> None:
    (tmp_path / "probe.toml").write_text(TABLE)
    for name, value in moment.knobs.items():
        lab.set_knob(name, value)
    environment = {
        name: value for name, value in lab.environment().items() if name != moment.without
    }
    async with daemon(tmp_path, environment, "--only", "journey") as running:
        await until(lambda: moment.has_come(lab))
        assert await running.stop() == 0
    await until(lambda: (lab.backend.sessions, lab.backend.queue_length, rooms(lab)) == (0, 0, 0))
    await until(lambda: allocations(lab) == 0)


async def test_a_daemon_that_ends_while_the_network_is_lost_leaves_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "probe.toml").write_text('[[resilience]]\nname = "resilience-call"\n')
    async with daemon(tmp_path, lab.environment(), "--only", "resilience") as running:
        await until(lambda: allocations(lab) >= 6 and lab.backend.sessions == 3)
        assert await running.stop() == 0
    await until(lambda: allocations(lab) == lab.backend.sessions == 0)
