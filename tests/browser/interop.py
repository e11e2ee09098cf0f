"""Real TURN servers by each transport in each situation: what three clients see of them."""

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from probe.core.context import Context
from probe.core.model import Result, Status
from probe.core.runner import run_check
from tests.browser.browser import Browser, Experience, Server
from tests.kinds.call.call_lab import call_check
from tests.requirements import program
from tests.servers.certificate import Certificate
from tests.servers.turn.turn_servers import (
    HOST,
    PASSWORD,
    SECRET,
    USERNAME,
    TurnProduct,
    TurnServer,
    Wish,
)

RIGHT, WRONG, EXPIRED, QUOTA, KILLED = (
    "right",
    "wrong password",
    "expired name",
    "quota of one",
    "killed in mid-call",
)
# Long enough that a busy machine kills it well before the end.
_KILL_AFTER, _TALK, _LONG = 3.0, 12.0, 600
_UCLIENT_SECONDS, _MIN_RECEIVED = 25.0, 0.8
_WISHES = {EXPIRED: Wish(secret=True), QUOTA: Wish(quota=1)}
_NEEDS = {EXPIRED: "secret", QUOTA: "quota"}

_PADDING = "hands on TCP's padding: audio and video are ruined, and data passes by luck"
WHY = {
    ("turn-rs", "tcp", RIGHT): _PADDING,
    ("turn-rs", "tcp", EXPIRED): f"{_PADDING}; names never expire there",
    ("turn-rs", "udp", EXPIRED): "names never expire there",
    ("node-turn", "udp", RIGHT): "signs no answer to ChannelBind: Chromium's call ends after 40 s",
}


class Cell(Struct, frozen=True):
    """One server by one transport in one situation."""

    product: TurnProduct
    way: str
    situation: str


class Seen(Struct, frozen=True):
    """What the three said of it: whether a call was possible, and in their words; ``why`` explains
    a row in which they differ."""

    cell: Cell
    probe: str
    uclient: str
    chromium: str

    @property
    def why(self) -> str:
        return WHY.get((self.cell.product.name, self.cell.way, self.cell.situation), "")

    @property
    def verdicts(self) -> tuple[bool, bool, bool]:
        return (self.probe == "ok", self.uclient == "ok", self.chromium == "connected")


def cells(product: TurnProduct) -> list[Cell]:
    """Everything that the product can be asked for."""
    return [
        Cell(product, way, situation)
        for situation in (RIGHT, WRONG, EXPIRED, QUOTA, KILLED)
        if _NEEDS.get(situation, "") in ("", *product.can)
        for way in product.ways
    ]


async def look(cell: Cell, folder: Path, certificate: Certificate, page: Browser) -> Seen:
    """The three in turn or, where the server is killed, at the same time."""
    async with _running(cell, folder, certificate) as server:
        username, password = _login(cell.situation)
        echoes = _LONG if cell.situation == KILLED else 20
        servers = [Server([server.url(cell.way)], username, password)]
        works = (
            _probe(cell, server, username, password, certificate),
            _uclient(cell, server, username, password),
            page.call(servers, echoes=echoes, limit=10.0),
        )
        if cell.situation == KILLED:
            (result, uclient, seen), _ = await asyncio.gather(asyncio.gather(*works), _kill(server))
        else:
            # Of one user with a quota of one they would get in each other's way.
            result, uclient, seen = await works[0], await works[1], await works[2]
    return Seen(cell, _words(cell, result), uclient, _experience(cell, seen, echoes))


@asynccontextmanager
async def _running(cell: Cell, folder: Path, certificate: Certificate) -> AsyncIterator[TurnServer]:
    wish = _WISHES.get(cell.situation, Wish())
    server = await asyncio.to_thread(cell.product.start, folder, certificate, wish)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


async def _kill(server: TurnServer) -> None:
    await asyncio.sleep(_KILL_AFTER)
    await asyncio.to_thread(server.kill)


def _login(situation: str) -> tuple[str, str]:
    if situation == WRONG:
        return USERNAME, "wrong"
    if situation != EXPIRED:
        return USERNAME, PASSWORD
    username = f"{int(time.time()) - 60}:{USERNAME}"
    digest = hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


async def _probe(
    cell: Cell, server: TurnServer, username: str, password: str, certificate: Certificate
) -> Result:
    media = {"media": True, "media_seconds": _TALK} if cell.situation == KILLED else {}
    check = call_check(
        url=server.url(cell.way),
        username=username,
        password=password,
        ca_file=certificate.ca_file,
        **media,
    )
    context = Context()
    result = await run_check(check, context)
    await context.closing.drain(timeout=5)
    return result


async def _uclient(cell: Cell, server: TurnServer, username: str, password: str) -> str:
    """``ok`` where its packets came back."""
    path = program("turnutils_uclient", part="coturn")
    flags = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"]}[cell.way]
    count = str(_LONG if cell.situation == KILLED else 10)
    login = ["-u", username, "-w", password, "-p", str(server.ports[cell.way])]
    process = await asyncio.create_subprocess_exec(
        path,
        *(*flags, "-y", "-c", "-n", count, "-l", "160", *login, HOST),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_UCLIENT_SECONDS):
            output, _ = await process.communicate()
    if process.returncode is None:
        process.kill()
        await process.wait()
        return "fails"
    # Over TLS the first ones are lost, which leave before the other end has a channel. Its share of
    # lost packets is of those it has sent: few, where the connection ends. It runs two clients.
    received = [int(each) for each in re.findall(rb"tot_recv_msgs=(\d+)", output)]
    least = _MIN_RECEIVED * 2 * int(count)
    passed = process.returncode == 0 and received and received[-1] >= least
    return "ok" if passed else "fails"


def _words(cell: Cell, result: Result) -> str:
    if result.status is Status.OK or result.failure is None:
        return "ok"
    # Where it is killed chance decides who says it first: the system, a check, or silence.
    return "fails" if cell.situation == KILLED else f"`{result.failure.cause.value}`"


def _experience(cell: Cell, seen: Experience, echoes: int) -> str:
    usable = seen.opened and len(seen.rtts) > echoes / 2
    if (cell.product.name, cell.way) == ("turn-rs", "tcp") and cell.situation in (RIGHT, EXPIRED):
        return "by luck"
    if cell.situation == KILLED:
        return "connected" if usable else "fails"
    # Which of two answers comes first decides whether the page is told of the refusal.
    words = seen.words.partition(" (")[0] if cell.situation == QUOTA else seen.words
    return "connected" if usable else words
