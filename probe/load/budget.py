"""What a load may use, and a guard that is asked before each step: nothing goes beyond it."""

import asyncio

from probe.kinds.journey import REDIS_COMMANDS
from probe.load.plan import JOURNEY, LoadPlan, Spending
from probe.turn_targets.traffic_budget import call_bytes

# As counted on a running backend: register, unregister, queue clean-up; and a look into the
# queue for each round trip. A journey's commands are its kind's.
SESSION_COMMANDS, ROUND_TRIP_COMMANDS = 4, 1
# A call on a path that loses packets: more echoes, several large ones, retransmitted handshakes.
_LOSSY_ECHOES, _LOSSY_BYTES = 100, 60_000
OTHER_URLS_BYTES = 60_000
"""Of a call, for URLs that do not work: none is tried after so many."""
# A session is refused once and opened again as a page of the server's own would.
_SESSION_ATTEMPTS = 2
# Where the page's origin is known: one attempt, and two polls with preflights.
_SESSION_REQUESTS = max(_SESSION_ATTEMPTS, 1 + 2 * 2)
# Two tokens, credentials, two sessions of so many attempts; and what confirms a refusal.
_JOURNEY_REQUESTS = 2 + 1 + 2 * _SESSION_ATTEMPTS + 2


class BudgetSpent(Exception):
    """The next step doesn't fit into what is left."""


class LoadBudget:
    """Reserves the most that a step can use before it starts, and counts what it did use."""

    def __init__(self, limit: Spending) -> None:
        self.limit = limit
        self.used = Spending()
        self._reserved = Spending()
        self._freed = asyncio.Condition()

    async def reserve(self, most: Spending) -> bool:
        """Wait until so much is free; whether that took any time. Raises BudgetSpent where it
        never will be."""
        waited = False
        async with self._freed:
            while not (self.used + self._reserved + most).fits(self.limit):
                if self._reserved == Spending():
                    raise BudgetSpent
                # What others have reserved is more than they use, as a rule.
                waited = True
                await self._freed.wait()
            self._reserved += most
        return waited

    async def settle(self, most: Spending, used: Spending) -> None:
        """A step has ended that had reserved ``most``."""
        async with self._freed:
            self._reserved -= most
            self.used += used
            self._freed.notify_all()


def step_costs(plan: LoadPlan, *, minted: bool) -> dict[str, tuple[Spending, Spending]]:
    """For each of the plan's steps the most that it uses once, and what it uses as a rule.

    ``minted``: tokens are signed here and not asked for.
    """
    token = Spending(requests=0 if minted else 1)
    trip = Spending(redis_commands=ROUND_TRIP_COMMANDS)
    session = Spending(1, SESSION_COMMANDS)
    call = most_of_a_call(plan.echoes), usual_call(plan.echoes)
    most_of_journey = Spending(_JOURNEY_REQUESTS, REDIS_COMMANDS) + call[0]
    usual_journey = Spending(3 if minted else 5, REDIS_COMMANDS) + call[1]
    costs = {
        "health": (Spending(1), Spending(1)),
        "token": (token, token),
        "session": (Spending(_SESSION_REQUESTS, SESSION_COMMANDS), session),
        "round_trip": (trip, trip),
        "credentials": (Spending(1), Spending(1)),
        "call": call,
        JOURNEY: (most_of_journey, usual_journey),
    }
    return {name: costs[name] for name in plan.steps}


def iteration_cost(plan: LoadPlan, *, minted: bool) -> tuple[Spending, Spending]:
    """The same for a whole iteration."""
    most = usual = Spending()
    for name, (of_one, usually) in step_costs(plan, minted=minted).items():
        count = plan.round_trips if name == "round_trip" else 1
        most, usual = most + of_one.times(count), usual + usually.times(count)
    return most, usual


def usual_call(echoes: int) -> Spending:
    """What a call uses by UDP."""
    return Spending(turn_bytes=call_bytes("udp", echoes))


def most_of_a_call(echoes: int) -> Spending:
    """What a call uses at most: by TLS, on a path that loses packets, after other URLs."""
    most = call_bytes("tls", max(echoes, _LOSSY_ECHOES)) + _LOSSY_BYTES + OTHER_URLS_BYTES
    return Spending(turn_bytes=most)


def default_limit(plan: LoadPlan, *, minted: bool) -> Spending:
    """The budget of a plan where none is given: all its iterations, and room for the most that
    the users may reserve at a time."""
    most, usual = iteration_cost(plan, minted=minted)
    return usual.times(plan.most_iterations) + (most - usual).times(plan.users)
