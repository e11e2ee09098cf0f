"""How many allocations of one TURN user the checks of this process make at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.net.slots import Slots, hold_together
from probe.stun.credentials import TurnCredentials, expiry_of
from probe.turn_targets.last_allocations import allocation_results_of

QUEUE_HINT = (
    "Checks of one TURN user take turns: see those that fail first, a silent server takes all of "
    "their time. If the server permits more allocations, raise TURN_USER_QUOTA (a table: "
    "user_quota); for one run, a longer --deadline leaves more time."
)


@asynccontextmanager
async def allocation_slots(
    users: Sequence[TurnCredentials | None],
    quota: int,
    record: Recorder,
    context: Context,
    *,
    place: str = "",
) -> AsyncIterator[None]:
    """Wait until one allocation for each of ``users`` fits under the ``quota`` of each.

    A user's quota is often that of one call. Allocations are deleted at the end of a run, so
    that checks of one user take turns, and none of them exceeds the quota that another uses.
    Raises CheckFailed where the allocation check of the same ``place`` fails meanwhile: a silent
    server would let each check of it wait for its whole deadline, one after the other.
    """
    counts = Counter(_user_of(each) for each in users if each is not None)
    wanted = [
        (context.get_or_create(("allocations of", user, quota), lambda: Slots(quota)), count)
        for user, count in counts.items()
    ]
    async with AsyncExitStack() as stack:
        with record.queueing(QUEUE_HINT):
            await _enter(stack, wanted, place, context)
        yield


async def _enter(
    stack: AsyncExitStack, wanted: Sequence[tuple[Slots, int]], place: str, context: Context
) -> None:
    failures = list[CheckFailed]()

    def give_up(failure: CheckFailed) -> None:
        failures.append(failure)
        waiting.reschedule(asyncio.get_running_loop().time())

    with allocation_results_of(context).failing(place, give_up):
        try:
            async with asyncio.timeout(None) as waiting:
                await stack.enter_async_context(hold_together(wanted))
        except TimeoutError:
            (failure, *_) = failures
            message = f"no allocation on this server: {failure.message}"
            raise CheckFailed(failure.cause, message, hint=failure.hint, phase="allocate") from None


def _user_of(credentials: TurnCredentials) -> tuple[str, int]:
    """Whom a server counts a quota for: time-limited user names end in the same name. The same
    name with another password is somebody else's, at another server."""
    expiry, _, name = credentials.username.partition(":")
    if expiry_of(expiry) is not None:
        return name, 0
    return credentials.username, hash(credentials.password.get_secret_value())
