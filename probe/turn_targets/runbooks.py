"""What alerts about TURN servers and relayed calls link to."""

from probe.core.causes import Cause
from probe.core.runbooks import Runbooks

_FAILING, _SLOW, _ISSUED = "turn-failing", "relay-slow", "turn-issued-failing"
_BY_NAME = {"issued": _ISSUED}
# Of the backend that issues credentials, not of the relay.
_OF_THE_BACKEND = dict.fromkeys(
    (
        Cause.HTTP_STATUS,
        Cause.TOO_MANY_REDIRECTS,
        Cause.BODY_TOO_LARGE,
        Cause.BODY_INVALID,
        Cause.DEGRADED,
        Cause.SERVICE_DOWN,
        Cause.VERSION_MISMATCH,
        Cause.OLD_INSTANCE,
    ),
    _ISSUED,
)
_OF_THE_CALL = dict.fromkeys(
    (
        Cause.DEADLINE,
        Cause.NO_CANDIDATE,
        Cause.ICE_FAILED,
        Cause.DTLS_FAILED,
        Cause.DATA_CHANNEL_FAILED,
    ),
    "call-failing",
)
# Of Redis behind the backend.
_OF_REDIS = dict.fromkeys(
    (Cause.LOADING, Cause.BUSY, Cause.MASTER_DOWN, Cause.MISCONF, Cause.READ_ONLY), "redis"
)
_OF_THE_JOURNEY = dict.fromkeys((Cause.STRANGER_MATCHED, Cause.SESSION_LOST), "journey-failing")

OF_A_RELAY = Runbooks(_FAILING, _SLOW)
OF_AN_ALLOCATION = Runbooks(_FAILING, _SLOW, _OF_THE_BACKEND, _BY_NAME)
OF_A_MEASUREMENT = Runbooks(
    _FAILING, _SLOW, {**_OF_THE_BACKEND, **_OF_THE_JOURNEY, **_OF_REDIS}, _BY_NAME
)
OF_A_CALL = Runbooks(
    _FAILING, _SLOW, {**_OF_THE_BACKEND, **_OF_THE_CALL, **_OF_THE_JOURNEY, **_OF_REDIS}, _BY_NAME
)
