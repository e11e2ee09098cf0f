"""A message on its way at the moment at which a cut network heals is not sent a second time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.cluster import roles
from alerts.cluster.agreement import Agreement
from alerts.cluster.membership.members import Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import Query
from alerts.cluster.roles import Roles
from alerts.model import Delivery, MessageType, NotifyError
from alerts.notifier import once_connected
from alerts.notifiers.base import post
from alerts.notifiers.slack_client import call_method, post_webhook
from tests.alerts.samples import failing, sample_message
from tests.clocks import Clock

FIRING = replace(sample_message(firing=(failing(),)), occasion=MessageType.FIRING, key="backend")
MESSAGE = Delivery("chat", FIRING)


class Receiver:
    """Keeps what comes, and answers with success once a whole head has come."""

    def __init__(self) -> None:
        self.connections, self.heads, self.url = 0, 0, ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Receiver"]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.heads += 1
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}')
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


SENDERS: dict[str, Callable[[str], Awaitable[object]]] = {
    "any": lambda url: post(url, json={}),
    "webhook": lambda url: post_webhook(url, {"text": "x"}),
    "bot": lambda url: call_method(url, "xoxb-1", "chat.postMessage", {"channel": "C"}),
}


@pytest.mark.parametrize("kind", SENDERS)
async def test_nothing_is_sent_before_what_is_waited_for_once_connected(kind: str) -> None:
    async with Receiver().serve() as receiver:
        waits, goes_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            waits.set()
            await goes_on.wait()

        async def send() -> None:
            with once_connected(wait):
                await SENDERS[kind](receiver.url)
                # Only the first connection of an attempt waits.
                await SENDERS[kind](receiver.url)

        sending = asyncio.create_task(send())
        async with asyncio.timeout(20):
            await waits.wait()
            assert receiver.heads == 0
            goes_on.set()
            await sending
        assert receiver.heads == 2


@pytest.mark.parametrize("kind", SENDERS)
async def test_what_is_withdrawn_meanwhile_is_never_sent(kind: str) -> None:
    async with Receiver().serve() as receiver:
        waits = asyncio.Event()

        async def wait() -> None:
            waits.set()
            await asyncio.Event().wait()

        async def send() -> None:
            with once_connected(wait):
                await SENDERS[kind](receiver.url)

        sending = asyncio.create_task(send())
        async with asyncio.timeout(20):
            await waits.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        assert receiver.heads == 0


async def test_nothing_waits_for_a_receiver_that_cannot_be_reached() -> None:
    async def wait() -> None:
        raise AssertionError("there is no connection")

    with once_connected(wait), pytest.raises(NotifyError):
        await post("http://127.0.0.1:1/", json={})


class Lone:
    """This probe's roles; fra answers or not."""

    def __init__(self) -> None:
        self.clock, self.asked = Clock(1000.0), asyncio.Event()
        plan = PeersPlan(("http://fra:1",), SecretStr("0f-all-three-pr0bes"))
        self.peers = Members(plan, "0" * 16, self.clock, self._post)
        agreement = Agreement(self.peers, "lax", self.clock, lambda _: 0.0, lambda _: None)
        self.roles = Roles(self.peers, agreement, "lax", self.clock, self.asked.set)

    async def _post(self, url: str, body: bytes, token: str) -> bytes:
        raise TimeoutError

    def round(self, began: float) -> None:
        """A round that began then is over, and what came of it is acted upon."""
        self.roles.round_began = began
        self.roles.flushed({"pager"})
        self.roles.settled()


async def test_a_probe_that_misses_a_member_asks_again_before_it_sends() -> None:
    lone = Lone()
    await lone.peers.query_members([Query()])
    assert lone.peers.problems
    lone.round(990.0)
    waiting = asyncio.create_task(lone.roles.once_connected(MESSAGE))
    async with asyncio.timeout(20):
        await lone.asked.wait()
        # A round under way since before says nothing of now.
        lone.round(999.0)
        await asyncio.sleep(0)
        assert not waiting.done()
        lone.round(1001.0)
        await waiting


async def test_no_answer_delays_a_message_by_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "BOUND_SECONDS", 0.05)
    lone = Lone()
    await lone.peers.query_members([Query()])
    async with asyncio.timeout(20):
        await lone.roles.once_connected(MESSAGE)
    assert lone.asked.is_set()


@pytest.mark.parametrize(
    "delivery",
    [
        replace(MESSAGE, notifier="pager"),
        replace(MESSAGE, message=replace(FIRING, occasion=MessageType.NOTE)),
    ],
)
async def test_a_receiver_that_knows_an_incident_by_its_key_gets_it_at_once(
    delivery: Delivery,
) -> None:
    lone = Lone()
    await lone.peers.query_members([Query()])
    lone.round(990.0)
    await lone.roles.once_connected(delivery)
    assert not lone.asked.is_set()
