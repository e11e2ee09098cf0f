"""In front of a TURN server: a UDP port that loses datagrams, or is closed for a while.

Nothing listens at a port that is closed: the system answers by ICMP "port unreachable".
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager

from tests.turn.bends import Address, Relay
from tests.turn.path.moments import Answered, asked

_BINDING = (b"\0\1", b"\1\1")
"""Which Chromium asks a TURN server as well."""


class PortFront:
    """Closes for ``away`` seconds at ``moment``. ``lost`` are how many of the first datagrams of
    each client, without Binding, are lost on the way to the server, and back; ``loss`` is the
    share of the others.
    """

    def __init__(
        self,
        target: Address,
        moment: str = "",
        away: float = 0.0,
        lost: Sequence[int] = (0, 0),
        loss: float = 0.0,
    ) -> None:
        self._target, self._moment, self._away = target, moment, away
        self._lost, self._loss, self._random = lost, loss, random.Random(1)
        self._clients: dict[Address, _Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_gone = False
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._down, _ = await loop.create_datagram_endpoint(
            lambda: Relay(self._from_client), local_addr=(self._target[0], self.port)
        )
        self.port = self._down.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._down.close()
        for client in self._clients.values():
            if client.up is not None:
                client.up.close()

    def _from_client(self, data: bytes, address: Address) -> None:
        client = self._clients.setdefault(address, _Client(address))
        if self._reaches(asked(data)) or not self._survives(data, client.sent, self._lost[0]):
            return
        client.waiting.append(data)
        self._spawn(self._forward(client))

    async def _forward(self, client: "_Client") -> None:
        async with client.opening:
            if client.up is None:
                loop = asyncio.get_running_loop()
                client.up, _ = await loop.create_datagram_endpoint(
                    lambda: Relay(lambda data, _: self._from_server(client, data)),
                    remote_addr=self._target,
                )
        while client.waiting:
            client.up.sendto(client.waiting.pop(0))

    def _from_server(self, client: "_Client", data: bytes) -> None:
        if not self._survives(data, client.came, self._lost[1]) or self._down.is_closing():
            return
        self._down.sendto(data, client.address)
        self._reaches(client.answered.moment(data))

    def _survives(self, data: bytes, numbers: Iterator[int], lost: int) -> bool:
        number = lost if data[:2] in _BINDING else next(numbers)
        return number >= lost and (not self._loss or self._random.random() >= self._loss)

    def _reaches(self, moment: str) -> bool:
        if not moment or moment != self._moment or self._has_gone:
            return False
        self._has_gone = True
        self._spawn(self._go())
        return True

    async def _go(self) -> None:
        self._down.close()
        await asyncio.sleep(self._away)
        await self.start()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Client:
    def __init__(self, address: Address) -> None:
        self.address = address
        self.up: asyncio.DatagramTransport | None = None
        self.opening = asyncio.Lock()
        self.waiting: list[bytes] = []
        self.sent, self.came = itertools.count(), itertools.count()
        self.answered = Answered()


@asynccontextmanager
async def port_front(front: PortFront) -> AsyncIterator[int]:
    """Its port."""
    await front.start()
    try:
        yield front.port
    finally:
        await front.stop()
