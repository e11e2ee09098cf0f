"""What two calls to a peer elsewhere say together."""

from types import SimpleNamespace
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.kinds.peer.signals import write_shares
from probe.peer.measurement import Attempt
from probe.turn.statistics import EchoLog

FALLBACK, ICE = "probe_turn_fallback_ratio", "probe_ice_success_ratio"


def attempt(*, connected: bool, cause: Cause | None = None) -> Attempt:
    """A call that connected or not, and failed for this cause if there is one."""
    call: Any = SimpleNamespace(connected=connected, ledger=EchoLog())
    return Attempt(call, CheckFailed(cause, "it failed") if cause else None)


WELL = attempt(connected=True)
NO_WAY = attempt(connected=False, cause=Cause.ICE_FAILED)
NO_ADDRESS = attempt(connected=False, cause=Cause.NO_CANDIDATE)
NO_DATA = attempt(connected=True, cause=Cause.DATA_CHANNEL_FAILED)


@pytest.mark.parametrize(
    ("direct", "relayed", "shares"),
    [
        (WELL, WELL, {FALLBACK: 0, ICE: 1}),
        (WELL, None, {FALLBACK: 0, ICE: 1}),
        (WELL, NO_WAY, {FALLBACK: 0, ICE: 1}),
        (NO_WAY, WELL, {FALLBACK: 1, ICE: 1}),
        # It did connect: what came after is another matter.
        (NO_WAY, NO_DATA, {FALLBACK: 1, ICE: 1}),
        # Of the calls that connected: none did.
        (NO_WAY, NO_WAY, {ICE: 0}),
        (NO_WAY, None, {ICE: 0}),
        # A direct call that could not be made is none that failed.
        (NO_ADDRESS, WELL, {ICE: 1}),
    ],
)
def test_a_call_that_only_a_relay_brings_about_is_a_fallback(
    direct: Attempt, relayed: Attempt | None, shares: dict[str, float]
) -> None:
    record = Recorder(Context().clock)
    write_shares(direct, relayed, record)
    assert {sample.signal.name: sample.value for sample in record.samples} == shares
    assert all(sample.labels["source"] == "peer" for sample in record.samples)
