"""What fires is repeated to a service that would drop it, whatever its last results were."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import MessageType, Severity, Silence
from alerts.notification.route import Route
from alerts.notifiers.alertmanager import EXPIRES_SECONDS, RESEND_SECONDS
from probe.core.model import Status
from tests.alerts.notification.test_many_alerts import START, Receiver, opened
from tests.clocks import Clock
from tests.fake_kind import result_of, toy
from tests.virtual_time import run_virtually

ROUTE = Route(
    "keeps",
    frozenset(Severity),
    RESEND_SECONDS,
    deduplicates=True,
    group_wait=0.0,
    group_interval=0.0,
    resends=True,
)
# When it begins to flap, in seconds.
FLAPS = 640.0


class Forgetful(Receiver):
    """Drops what is not repeated to it; notes when each message came."""

    resend_seconds = RESEND_SECONDS  # type: ignore[assignment]

    def __init__(self, clock: Clock) -> None:
        super().__init__("keeps")
        self._clock, self.sent = clock, list[tuple[float, MessageType]]()

    async def send(self, message: object, memory: object) -> dict[str, str]:
        self.sent.append((self._clock(), message.occasion))  # type: ignore[attr-defined]
        return {}


def _flaps(at: float) -> Status:
    """Fails for a minute, four times; then it works."""
    return Status.FAILED if at < FLAPS and at % 160.0 < 60.0 else Status.OK


def _fails(at: float) -> Status:
    return Status.FAILED if at < 1500.0 else Status.OK


def _played(says: Callable[[float], Status], silence: Silence | None = None) -> Forgetful:
    clock = Clock()
    receiver = Forgetful(clock)

    async def play() -> None:
        config = AlertingConfig("lax", {"keeps": receiver}, (ROUTE,))
        manager = AlertManager(config, None, now=lambda: START + clock(), clock=clock)
        check = toy("a")
        await opened(manager)
        manager.set_checks([check])
        if silence is not None:
            await manager.add_silence(silence)
        jobs = [asyncio.create_task(job()) for job in manager.jobs.values()]
        while clock() < 2400.0:
            manager.handle_result(check, result_of("a", says(clock())), (), backed_up=False)
            await asyncio.sleep(10.0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await manager.close()

    run_virtually(play(), clock)
    return receiver


@pytest.mark.parametrize(
    ("says", "silence"),
    [
        (_flaps, None),
        (_fails, None),
        (_fails, Silence("s", ("*",), "eva", "", START + 300.0, START + 1200.0)),
    ],
    ids=["flapping", "failing", "silenced in the middle"],
)
def test_nothing_is_dropped_while_it_fires(
    says: Callable[[float], Status], silence: Silence | None
) -> None:
    sent = _played(says, silence).sent
    assert sent[-1][1] is MessageType.RESOLVED
    last = max(place for place, (_, why) in enumerate(sent) if why is MessageType.FIRING)
    times = [at for at, _ in sent[last:]]
    assert times[-1] - times[0] > 2 * EXPIRES_SECONDS
    assert max(after - before for before, after in pairwise(times)) < EXPIRES_SECONDS
