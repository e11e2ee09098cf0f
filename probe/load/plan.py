"""What a load is: how many users, for how long, which steps, and the share of one worker."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

STEPS = ("health", "token", "session", "round_trip", "credentials", "call")
"""A user's steps in their order."""
JOURNEY = "journey"
"""Instead of ``call``: two more devices are matched and call each other."""
# What a step needs before it; a call needs no credentials where a relay is configured.
_NEEDS = {
    "session": ("token",),
    "round_trip": ("token", "session"),
    "credentials": ("token",),
    JOURNEY: ("token", "credentials"),
}
DRAIN_SECONDS = 30.0
"""How long iterations may take to end when no new one starts."""
# What an iteration takes besides think time where the target is quick; for estimates alone.
QUICK_ITERATION = 0.25


class Spending(Struct, frozen=True):
    """Requests (HTTP, WebSocket handshakes among them), Redis commands behind the backend, and
    bytes through TURN servers, sent and received, headers included."""

    requests: int = 0
    redis_commands: int = 0
    turn_bytes: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(
            self.requests + other.requests,
            self.redis_commands + other.redis_commands,
            self.turn_bytes + other.turn_bytes,
        )

    def __sub__(self, other: "Spending") -> "Spending":
        return self + other.times(-1)

    def times(self, count: int) -> "Spending":
        """So many times as much."""
        return Spending(self.requests * count, self.redis_commands * count, self.turn_bytes * count)

    def fits(self, limit: "Spending") -> bool:
        """Whether none of it is more than the limit."""
        return (
            self.requests <= limit.requests
            and self.redis_commands <= limit.redis_commands
            and self.turn_bytes <= limit.turn_bytes
        )


class LoadPlan(Struct, frozen=True):
    """``users`` at the same time for ``duration`` seconds, the first ``ramp`` of which they
    arrive in. With a ``rate`` (iterations per second) the model is open: each has its intended
    start, fixed in advance; without, it is closed: a user begins anew ``think`` seconds after
    the end of its iteration. ``timeout`` is for each step, in seconds.

    ``offset`` and ``stride`` are for one worker of several, which makes each ``stride``-th
    arrival from the ``offset``-th on.
    """

    users: int
    duration: float
    rate: float | None = None
    ramp: float = 0.0
    think: float = 1.0
    steps: tuple[str, ...] = STEPS
    round_trips: int = 3
    echoes: int = 10
    timeout: float = 10.0
    offset: int = 0
    stride: int = 1

    @property
    def is_open(self) -> bool:
        """Whether arrivals don't wait for answers."""
        return self.rate is not None

    @property
    def most_iterations(self) -> int:
        """How many iterations there may be where the target is quick."""
        if self.rate is not None:
            return max(1, int(self.rate * (self.duration - self.ramp / 2)))
        each = int(self.duration / (self.think + QUICK_ITERATION)) + 1
        return self.users * each

    @property
    def iterations_per_second(self) -> float:
        """The most iterations that begin in a second, after the ramp."""
        if self.rate is not None:
            return self.rate
        return self.users / (self.think + QUICK_ITERATION)


def with_needed(steps: Iterable[str]) -> tuple[str, ...]:
    """These steps and what they need, in a user's order."""
    selected = set(steps)
    for each in tuple(selected):
        selected |= {*_NEEDS.get(each, ())}
    return tuple(name for name in (*STEPS, JOURNEY) if name in selected)


def divide(plan: LoadPlan, parts: int) -> list[LoadPlan]:
    """The shares of so many workers; one without a user is left out.

    Together they have the plan's users and arrivals.
    """
    shares = []
    parts = min(parts, plan.users)
    for number in range(parts):
        users = plan.users // parts + (number < plan.users % parts)
        shares.append(replace(plan, users=users, offset=number, stride=parts))
    return shares


def divide_spending(limit: Spending, parts: int) -> list[Spending]:
    """The shares of a limit, which together are no more than it."""

    def share(amount: int, number: int) -> int:
        return amount // parts + (number < amount % parts)

    return [
        Spending(
            share(limit.requests, number),
            share(limit.redis_commands, number),
            share(limit.turn_bytes, number),
        )
        for number in range(parts)
    ]
