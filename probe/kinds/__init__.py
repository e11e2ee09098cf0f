"""The one registration: a new kind of check is one new file here and one line in KINDS."""

from typing import Any

from probe.core.kind import Kind
from probe.kinds.allocation import KIND as ALLOCATION
from probe.kinds.app_metrics import KIND as APP_METRICS
from probe.kinds.budget import KIND as BUDGET
from probe.kinds.call import KIND as CALL
from probe.kinds.crossing import KIND as CROSSING
from probe.kinds.engineio import KIND as ENGINEIO
from probe.kinds.fallback import KIND as FALLBACK
from probe.kinds.fly import KIND as FLY
from probe.kinds.http import KIND as HTTP
from probe.kinds.journey import KIND as JOURNEY
from probe.kinds.metered import KIND as METERED
from probe.kinds.peer import KIND as PEER
from probe.kinds.postgres import KIND as POSTGRES
from probe.kinds.redis import KIND as REDIS
from probe.kinds.resilience import KIND as RESILIENCE
from probe.kinds.signaling import KIND as SIGNALING
from probe.kinds.stun import KIND as STUN
from probe.kinds.turn import KIND as TURN

KINDS: tuple[Kind[Any, Any], ...] = (
    HTTP,
    ENGINEIO,
    SIGNALING,
    STUN,
    ALLOCATION,
    CROSSING,
    TURN,
    CALL,
    JOURNEY,
    RESILIENCE,
    FALLBACK,
    PEER,
    FLY,
    APP_METRICS,
    POSTGRES,
    REDIS,
    METERED,
    # Surveys those before it.
    BUDGET,
)
