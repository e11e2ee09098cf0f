"""In front of a TURN server: a UDP port whose answers are late, come again, or from elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.turn.bends import Address, Relay
from tests.turn.path.moments import Answered


@dataclass(frozen=True)
class AnswerRule:
    """Concerns the first ``count`` messages whose moment begins with ``of`` (every one where it is
    empty): they leave ``late`` seconds later, leave once more ``again`` seconds after that, or
    (with ``elsewhere``) from another port. With ``swapped`` each waits for the next one."""

    of: str = ""
    late: float = 0.0
    again: float | None = None
    elsewhere: bool = False
    swapped: bool = False
    count: int = 10**9


@dataclass
class _Client:
    address: Address
    up: asyncio.DatagramTransport | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[bytes] = field(default_factory=list)
    answered: Answered = field(default_factory=Answered)
    held: bytes | None = None
    seen: int = 0


class AnswerFront:
    """Forwards datagrams, and treats what comes back as the rule says."""

    def __init__(self, target: Address, rule: AnswerRule) -> None:
        self._target, self._rule = target, rule
        self._clients: dict[Address, _Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen; the other port stands ready."""
        loop, host = asyncio.get_running_loop(), self._target[0]
        self._down, _ = await loop.create_datagram_endpoint(
            lambda: Relay(self._from_client), local_addr=(host, 0)
        )
        self._other, _ = await loop.create_datagram_endpoint(
            lambda: Relay(self._from_client), local_addr=(host, 0)
        )
        self.port = self._down.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        ups = (client.up for client in self._clients.values())
        for transport in (self._down, self._other, *ups):
            if transport is not None:
                transport.close()

    def _from_client(self, data: bytes, address: Address) -> None:
        client = self._clients.setdefault(address, _Client(address))
        client.waiting.append(data)
        task = asyncio.create_task(self._forward(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, client: _Client) -> None:
        async with client.opening:
            if client.up is None:
                loop = asyncio.get_running_loop()
                client.up, _ = await loop.create_datagram_endpoint(
                    lambda: Relay(lambda data, _: self._from_server(client, data)),
                    remote_addr=self._target,
                )
        while client.waiting:
            client.up.sendto(client.waiting.pop(0))

    def _from_server(self, client: _Client, data: bytes) -> None:
        rule = self._rule
        if not client.answered.moment(data).startswith(rule.of) or client.seen >= rule.count:
            self._leave(client, data)
            return
        client.seen += 1
        if rule.swapped and client.held is None:
            client.held = data
            return
        for each in (data, *filter(None, (client.held,))):
            self._leave(client, each, rule.late, elsewhere=rule.elsewhere)
            if rule.again is not None:
                self._leave(client, each, rule.late + rule.again)
        client.held = None

    def _leave(
        self, client: _Client, data: bytes, late: float = 0.0, *, elsewhere: bool = False
    ) -> None:
        def send() -> None:
            if not transport.is_closing():
                transport.sendto(data, client.address)

        transport = self._other if elsewhere else self._down
        if late:
            asyncio.get_running_loop().call_later(late, send)
        else:
            send()


@asynccontextmanager
async def answer_front(target: Address, rule: AnswerRule) -> AsyncIterator[int]:
    """Its port."""
    front = AnswerFront(target, rule)
    await front.start()
    try:
        yield front.port
    finally:
        await front.stop()
