"""Holding packets back for a while without changing their order."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count


@dataclass(eq=False)
class Flow:
    """Packets that must stay in order: one direction of one client, say."""

    latest: float = 0.0
    """When the last packet that is held leaves, on the loop's clock."""
    held: int = 0
    """How many packets are held now."""


class DelayQueue:
    """Delivers packets late. All flows share one timer, so that `close` leaves none."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Flow, Callable[[], None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def hold(self, flow: Flow, seconds: float, deliver: Callable[[], None]) -> None:
        """Call ``deliver`` after ``seconds``, and after all that the flow holds already.

        With nothing to wait for it is called at once.
        """
        if seconds <= 0 and not flow.held:
            deliver()
            return
        now = asyncio.get_running_loop().time()
        flow.latest = max(flow.latest, now + seconds)
        flow.held += 1
        heapq.heappush(self._queue, (flow.latest, next(self._order), flow, deliver))
        self._arm()

    def close(self) -> None:
        """Forget every packet that is held."""
        for _, _, flow, _ in self._queue:
            flow.held = 0
        self._queue.clear()
        self._arm()

    def _arm(self) -> None:
        due = self._queue[0][0] if self._queue else None
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self._deliver_due)

    def _deliver_due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        try:
            while self._queue and self._queue[0][0] <= now:
                _, _, flow, deliver = heapq.heappop(self._queue)
                flow.held -= 1
                deliver()
        finally:
            self._arm()
