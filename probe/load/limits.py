"""The target's own limits that a plan meets, as they are known before the load starts.

The application counts requests by route and address: 10 a second, 50 in 10 s, 200 a minute,
and 5 tokens a minute. Its Redis and the relay have plans with quotas.
"""

from collections.abc import Iterator

from probe.budget.plans import UPSTASH, Quota, format_amount, terms_of
from probe.load.plan import JOURNEY, LoadPlan, Spending
from probe.load.target import LoadTarget

ROUTE_LIMITS = ((10, 1.0, "10 a second"), (50, 10.0, "50 in 10 s"), (200, 60.0, "200 a minute"))
TOKEN_LIMIT = (5, 60.0, "5 a minute")
_ROUTES = {
    "health": "GET /health",
    "token": "POST /auth/token",
    "session": "Socket.IO handshakes",
    "credentials": "POST /turn/credentials",
}


def limits_met(plan: LoadPlan, target: LoadTarget, limit: Spending) -> tuple[str, ...]:
    """One sentence for each limit that the plan reaches or uses a notable share of."""
    return (*_routes(plan, target), *_quotas(target, limit))


def _routes(plan: LoadPlan, target: LoadTarget) -> Iterator[str]:
    per_second = plan.iterations_per_second * plan.stride
    for step, route in _ROUTES.items():
        count = _requests(plan, target, step)
        if not count:
            continue
        bounds = (*ROUTE_LIMITS, TOKEN_LIMIT) if step == "token" else ROUTE_LIMITS
        for most, window, text in bounds:
            planned = min(per_second * window, plan.most_iterations) * count
            if planned > most:
                yield (
                    f"{route}: up to {planned:,.0f} in {window:g} s, the application's limit is "
                    f"{text} for one address; what it answers with 429 is not measured"
                )
                break


def _requests(plan: LoadPlan, target: LoadTarget, step: str) -> int:
    """How many requests of a step's route an iteration makes."""
    count = int(step in plan.steps)
    if JOURNEY in plan.steps:
        count += {"token": 2, "session": 2, "credentials": 1}.get(step, 0)
    return 0 if step == "token" and target.minted else count


def _quotas(target: LoadTarget, limit: Spending) -> Iterator[str]:
    commands = limit.redis_commands
    if target.signaling.metered and commands:
        yield f"Redis: {_share(commands, UPSTASH)}, if it is Upstash's free plan"
    relay = terms_of("turn-issued")
    if limit.turn_bytes and relay is not None and target.signaling.metered:
        yield f"TURN: {_share(limit.turn_bytes, relay)}, if it is OpenRelay"


def _share(amount: int, quota: Quota) -> str:
    shown = format_amount(float(amount), quota.unit)
    return f"up to {shown}, {amount / quota.allowance:.1%} of what a {quota.period} has"
