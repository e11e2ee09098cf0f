"""What Chromium lives through when the network is lost, and what ``resilience`` says of it.

Both lose it for as long, in the same way: through forwarders of the probe's own, before the
same relay and the same Socket.IO server on Node.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result
from probe.core.runner import run_check
from probe.kinds.resilience import CONSENT_SECONDS, KIND, ResilienceTable
from probe.net.impairment import Impairment, TcpForwarder, UdpForwarder
from probe.net.resolver import Address
from probe.stun.browser_timing import next_path_check
from probe.stun.transaction import LIBWEBRTC
from probe.stun.uri import parse_turn_url
from tests.browser.browser import page_with
from tests.kinds.journey.journeys import JWT_SECRET
from tests.servers.chromium import Tab
from tests.servers.node_backend import NodeBackend, NodeBackendFactory
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab, turn_lab

SCRIPT = Path(__file__).with_name("losses.js")
HOST = "127.0.0.1"
# For a busy machine, beyond what timers explain.
SLACK = 4.0
# libwebrtc checks a path that works so often, and waits from the first check without an answer.
CHECKS_APART = 2.7
# How long a call had been open when its network was lost, and when Chromium's ICE had failed then.
FAILED_AFTER = {
    0.0: 15.87, 0.3: 15.54, 0.6: 15.24, 0.75: 15.10, 0.9: 16.04, 1.0: 15.96, 1.3: 15.68,
    1.6: 15.39, 1.8: 15.14, 1.9: 15.06, 2.0: 17.57, 2.1: 17.51, 3.0: 16.64, 4.0: 15.55, 4.4: 15.21,
    4.7: 17.57, 6.0: 16.23, 7.0: 15.27, 8.0: 16.91, 9.0: 15.89, 10.0: 17.55, 11.0: 16.60,
    12.0: 15.60, 13.0: 17.21, 15.0: 15.24, 17.5: 15.38, 18.0: 17.49, 20.0: 15.50,
}  # fmt: skip
# A page has a message back before the next check, and hears of what failed a little later.
EARLY, LATE = 0.05, 0.1
# socket.io-client's first pause before it connects anew, half more by chance.
FIRST_PAUSE = 1.5
PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0


@dataclass
class Stage:
    """The relay, the backend, the browser's page, and what is lost by which name."""

    turn: TurnLab
    node: NodeBackend
    tab: Tab
    outages: dict[str, Impairment]
    stack: AsyncExitStack

    async def lived_through(self, name: str, function: str, order: dict[str, Any]) -> Any:
        """What the page has seen. A call of the page's would have to answer much sooner."""
        work = f"{function}({json.dumps({'name': name, **order})})"
        await self.tab.evaluate(f"begin({json.dumps(name)}, {work})")
        while (result := await self.tab.evaluate(f"outcomes[{json.dumps(name)}]")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return result["done"]

    async def call(self, length: float, held: float = 0.0) -> Any:
        """A call whose offering side loses the network, ``held`` seconds after it was opened."""
        name, port = f"call {length:g} {held:g}", parse_turn_url(self.turn.url()).port
        way = await self.stack.enter_async_context(
            UdpForwarder(Address(HOST, port, socket.AF_INET), self._outage(name))
        )
        order = {"offering": _servers(way.address.port), "answering": _servers(port)}
        return await self.lived_through(name, "loseCall", {**order, "length": length, "held": held})

    async def session(self, length: float) -> Any:
        """A session of socket.io-client."""
        name, port = f"session {length:g}", urlsplit(self.node.url).port
        assert port is not None
        way = await self.stack.enter_async_context(
            TcpForwarder(Address(HOST, port, socket.AF_INET), self._outage(name))
        )
        order = {
            "client": f"{self.node.url}/socket.io/socket.io.js",
            "url": f"http://{HOST}:{way.address.port}",
            "token": _token(),
            "length": length,
        }
        return await self.lived_through(name, "loseSession", order)

    def _outage(self, name: str) -> Impairment:
        self.outages[name] = Impairment(Context().clock)
        return self.outages[name]


def _servers(port: int) -> list[dict[str, Any]]:
    urls = [f"turn:{HOST}:{port}?transport=udp"]
    return [{"urls": urls, "username": USERNAME, "credential": PASSWORD}]


def _token() -> str:
    import jwt

    claims = {"sub": "a-browser", "deviceId": "a-browser", "iat": 0, "exp": 2**31}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


@asynccontextmanager
async def stage(folder: Path, factory: NodeBackendFactory, tab: Tab) -> AsyncIterator[Stage]:
    """Everything but the checks."""
    outages: dict[str, Impairment] = {}
    losing: set[asyncio.Task[None]] = set()

    async def lose(request: web.Request) -> web.Response:
        outage, seconds = outages[request.query["name"]], float(request.query["seconds"])
        losing.add(asyncio.create_task(outage.block_for(seconds)))
        await asyncio.sleep(0)  # it is lost when this is answered
        return web.Response()

    async with turn_lab(folder) as turn, AsyncExitStack() as stack:
        node = factory(JWT_SECRET=JWT_SECRET)
        await stack.enter_async_context(page_with(tab, SCRIPT, web.get("/lose", lose)))
        yield Stage(turn, node, tab, outages, stack)
        await asyncio.gather(*losing)


def checks(stage: Stage, losses: tuple[float, ...]) -> list[Check]:
    """The probe's own, of the same relay and the same backend."""
    relay = {"url": stage.turn.url(), "username": USERNAME, "password": PASSWORD, "part": "call"}
    backend = {"backend_url": stage.node.url, "jwt_secret": JWT_SECRET, "part": "signaling"}
    return [
        Check(KIND, ResilienceTable(name=f"resilience-{way['part']}", losses=losses, **way))
        for way in (relay, backend)
    ]


def said(results: list[Result], name: str, length: float) -> float:
    """One value of the checks, for a loss of this length."""
    loss = f"{length:g}s"
    [found] = [
        sample.value
        for result in results
        for sample in result.samples
        if sample.signal.name == f"probe_resilience_{name}" and sample.labels.get("loss") == loss
    ]
    return found


def row(length: float, call: Any, session: Any, results: list[Result]) -> str:
    """A line of the table in docs/browser.md."""
    attempts = int(said(results, "session_attempts", length))
    restarts = int(said(results, "ice_restarts", length))
    cells = (
        f"{length:g} s",
        _came_back(session["recovered"], session["attempts"], "attempt"),
        _came_back(said(results, "session_recovery_seconds", length), attempts, "attempt"),
        _came_back(call["recovered"], call["restarts"], "restart"),
        _came_back(said(results, "data_recovery_seconds", length), restarts, "restart"),
    )
    return f"| {' | '.join(cells)} |"


def _came_back(seconds: float, times: int, what: str) -> str:
    return f"{seconds:.2f} s, {what} {times}" if times else f"{seconds:.2f} s"


def judge_call(call: Any, results: list[Result], length: float) -> None:
    """The same happens to both; where between two timers the network returns is chance."""
    restarts, recovered = call["restarts"], said(results, "data_recovery_seconds", length)
    assert restarts == said(results, "ice_restarts", length)
    # Until it is dropped, the path of before the restart comes back as soon as the network does.
    longest = LIBWEBRTC.longest if length > 2 * CONSENT_SECONDS else 0.0
    assert min(recovered, call["recovered"]) > 0
    assert max(recovered, call["recovered"]) < longest + SLACK
    if call["failed"] is not None:
        print(f"ICE failed after {call['failed']:.1f} s")
        assert -1 < call["failed"] - CONSENT_SECONDS < CHECKS_APART + SLACK


def judge_session(attempts: int, back: float, length: float) -> None:
    """The same rules for both, since a long loss may end in the moment that saves the session."""
    if attempts == 0:
        # TCP waits for as long again as the network was away, at most.
        assert 0 < back < length + SLACK
    else:
        assert length > PING_INTERVAL
        assert 0 < back < PING_INTERVAL + PING_TIMEOUT - length + FIRST_PAUSE + SLACK


async def lose_everywhere(stage: Stage, losses: tuple[float, ...]) -> None:
    """Browser and probe at the same time, and every loss too: they wait more than they work."""
    context = Context()
    ours = asyncio.gather(*(run_check(check, context) for check in checks(stage, losses)))
    calls = asyncio.gather(*(stage.call(length) for length in losses))
    sessions = asyncio.gather(*(stage.session(length) for length in losses))
    results = await ours
    assert [result.failure for result in results] == [None, None]
    for length, call, session in zip(losses, await calls, await sessions, strict=True):
        print(row(length, call, session, results))
        judge_call(call, results, length)
        assert session["survived"] == (session["attempts"] == 0)
        judge_session(session["attempts"], session["recovered"], length)
        attempts = int(said(results, "session_attempts", length))
        judge_session(attempts, said(results, "session_recovery_seconds", length), length)
    assert await context.closing.drain(timeout=20) == 0


@pytest.mark.parts
async def test_a_short_loss_is_survived_in_the_browser_and_by_the_probe(
    tmp_path: Path, node_backend: NodeBackendFactory, tab: Tab
) -> None:
    async with stage(tmp_path, node_backend, tab) as both:
        await lose_everywhere(both, (3.0,))


@pytest.mark.parts
@pytest.mark.proof
async def test_what_a_loss_does_to_a_browser_the_probe_says(
    tmp_path: Path, node_backend: NodeBackendFactory, tab: Tab
) -> None:
    async with stage(tmp_path, node_backend, tab) as both:
        await lose_everywhere(both, (3.0, 10.0, 40.0))


@pytest.mark.parametrize("held", FAILED_AFTER)
def test_a_path_is_checked_when_a_browser_checks_it(held: float) -> None:
    assert -EARLY < held + FAILED_AFTER[held] - CONSENT_SECONDS - next_path_check(held) < LATE


@pytest.mark.parts
@pytest.mark.nightly
@pytest.mark.parametrize("held", [*FAILED_AFTER][::4])
async def test_chromium_still_checks_it_then(
    tmp_path: Path, node_backend: NodeBackendFactory, tab: Tab, held: float
) -> None:
    async with stage(tmp_path, node_backend, tab) as both:
        found = await both.call(19.0, held)
    assert abs(found["failed"] - FAILED_AFTER[held]) < CHECKS_APART


@pytest.mark.parts
@pytest.mark.proof
@pytest.mark.parametrize("losses", [(14.0, 15.3, 17.0), (20.0, 29.0)])
async def test_a_loss_about_as_long_as_consent_costs_the_probe_what_it_costs_a_browser(
    tmp_path: Path, node_backend: NodeBackendFactory, tab: Tab, losses: tuple[float, ...]
) -> None:
    async with stage(tmp_path, node_backend, tab) as both:
        await lose_everywhere(both, losses)
