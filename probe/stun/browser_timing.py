"""How long browsers wait for what belongs to a call, and at which pace they ask again.

One place for every check that calls or relays. Where libwebrtc has a constant, its name is given.
"""

import itertools
import math
from collections.abc import Iterator

from msgspec import Struct

GATHERING_SECONDS = 17.0
"""libwebrtc sends an Allocate for the seventh time after 15.75 s."""
ICE_SECONDS = 15.0
"""A pair of candidates is dropped after so long without an answer (CONNECTION_WRITE_TIMEOUT)."""
SETUP_SECONDS = 20.0
"""How long a user waits for a call: DTLS and SCTP go on for as long."""
CONFIRMING_SECONDS = 17.0
"""For CreatePermission, ChannelBind and Refresh, as far as there is so much: browsers wait 40 s."""
CHECK_PACE = 0.05
"""Ta in seconds, RFC 8445 section 14.2."""
FAST_CHECKS, PATIENT_CHECKS = 3, 40
"""Checks at that pace whatever the path, and until the pause is a longer one."""
_LATER_PACE = 0.25
# From when a call is open: a path that works is checked by then, and so often from there on.
_PATH_CHECKS, _PATH_CHECKS_APART = (0.85, 1.95), 2.65
# Of the seconds that there are: for the set-up, so that a failure has a better name than
# ``deadline``, and for an allocation that nothing follows.
_SETUP_SHARE, _ALLOCATION_SHARE = 0.7, 0.85
_FULL_DEADLINE = 30.0
# What closing takes, which is within the run.
_CLOSING_SECONDS = 2.0


class PhaseTimeouts(Struct, frozen=True):
    """How long each phase may take, in seconds."""

    gathering: float = GATHERING_SECONDS
    ice: float = ICE_SECONDS
    dtls: float = SETUP_SECONDS
    channel: float = SETUP_SECONDS
    # For echoes beyond the first ones, where some of those were lost.
    more_echoes: float = 4.0
    # For what the TURN server has to confirm still, once a call is established.
    settling: float = 6.0
    # From the start of gathering until the channel is open.
    setup: float = SETUP_SECONDS
    # All that there is.
    whole: float = _FULL_DEADLINE

    @classmethod
    def as_browsers(cls, seconds: float) -> "PhaseTimeouts":
        """No phase ends before a browser's would, as far as that fits into so many seconds."""
        most, share = _SETUP_SHARE * seconds, 1.0
        if seconds < _FULL_DEADLINE:
            # A fifth for what follows the set-up, and a tenth for what has no limit of its own.
            share = 0.2 * seconds / (cls().more_echoes + cls().settling)
        return cls(
            gathering=min(GATHERING_SECONDS, most),
            ice=min(ICE_SECONDS, most),
            dtls=min(SETUP_SECONDS, most),
            channel=min(SETUP_SECONDS, most),
            more_echoes=cls().more_echoes * share,
            settling=cls().settling * share,
            setup=min(SETUP_SECONDS, most),
            whole=seconds,
        )

    def confirming(self, elapsed: float) -> float:
        """Seconds for what the TURN server has to confirm still, after so many have passed."""
        left = self.whole - _CLOSING_SECONDS - elapsed
        return max(self.settling, min(CONFIRMING_SECONDS, left))


def allocation_timeout(seconds: float) -> float:
    """How long one Allocate may take that is all that is done in so many seconds."""
    return min(GATHERING_SECONDS, _ALLOCATION_SHARE * seconds)


def check_pauses(round_trip: float) -> Iterator[float]:
    """Seconds from each connectivity check to the next; ``round_trip`` is the one to the server."""
    for number in itertools.count(1):
        pace = _LATER_PACE if number >= PATIENT_CHECKS else CHECK_PACE
        yield CHECK_PACE if number < FAST_CHECKS else max(pace, round_trip)


def next_path_check(open_for: float) -> float:
    """When a browser's first check leaves that is not before ``open_for``; both in seconds from
    the moment in which a call was open.

    Chromium's, measured: STABILIZING_WRITABLE_CONNECTION_PING_INTERVAL, and from then on
    STRONG_AND_STABLE_WRITABLE_CONNECTION_PING_INTERVAL, each with what its timer adds.
    """
    for at in _PATH_CHECKS:
        if open_for <= at:
            return at
    last = _PATH_CHECKS[-1]
    return last + math.ceil((open_for - last) / _PATH_CHECKS_APART) * _PATH_CHECKS_APART
