"""The largest packet that a relay path carries, in both directions."""

from collections.abc import Awaitable, Callable

from probe.turn.echo_packet import ECHO_SIZES, LARGE_BYTES
from probe.turn.judging import could_be_size

_TRIES, _TRIES_WHERE_LOSSY = 3, 10
_PARTS, _ROUNDS = 16, 2


class MtuSearch:
    """Finds it by sending. ``send`` takes a number and a size; ``came`` says which numbers came
    back within so many seconds, and returns early when the first or all have."""

    def __init__(
        self,
        send: Callable[[int, int], None],
        came: Callable[[range, float], Awaitable[set[int]]],
        grace: float,
    ) -> None:
        self._send, self._came, self._grace = send, came, grace
        self._number = 0

    async def run(self, loss: float, limit: float) -> int | None:
        """The largest size in bytes that came back, ``LARGE_BYTES`` at most.

        On a path with ``loss`` it tries longer, for up to ``limit`` seconds; None where chance
        could explain that no large packet came back.

        One packet shows a path that works. Where several are lost, two bursts of sizes in
        between give the limit to within a few bytes.
        """
        tries = _TRIES
        if loss:
            tries = max(tries, min(_TRIES_WHERE_LOSSY, int(limit / self._grace)))
        for _ in range(tries):
            if await self._passing([LARGE_BYTES]):
                return LARGE_BYTES
        if not could_be_size(loss, tries):
            return None
        low, high = max(ECHO_SIZES), LARGE_BYTES
        for _ in range(_ROUNDS):
            step = max(1, (high - low) // _PARTS)
            sizes = list(range(low + step, high, step))
            passing = await self._passing(sizes) | await self._passing(sizes)
            low = max(passing, default=low)
            high = min([size for size in sizes if size > low], default=high)
        return low

    async def _passing(self, sizes: list[int]) -> set[int]:
        """Those of the sizes that came back."""
        # The largest first: once it is back, all are.
        numbers = range(self._number, self._number + len(sizes))
        by_number = dict(zip(numbers, sorted(sizes, reverse=True), strict=True))
        self._number += len(sizes)
        for number, size in by_number.items():
            self._send(number, size)
        back = await self._came(numbers, self._grace) if by_number else set()
        return {by_number[number] for number in back}
