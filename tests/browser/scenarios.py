"""Ways in which a relay is well or not, arranged with one coturn (or two)."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from tests.browser.forwarder import HOST, forwarded
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.servers.netns import Namespace
from tests.servers.turn.turn_client import allocate, release

HTTPS = 443


class Entry(Struct, frozen=True):
    """One way in: its name in the table, its URL, and who we are there."""

    way: str
    url: str
    username: str
    password: str


@dataclass
class Stage:
    """Where scenarios are played. ``certificate`` is the one that the browser trusts."""

    folder: Path
    certificate: Certificate
    coturn: CoturnFactory
    inside: Namespace | None

    def server(self, **config: object) -> Coturn:
        """A coturn on loopback."""
        values = {"certificate": self.certificate, **config}
        return self.coturn(CoturnConfig(**values))  # type: ignore[arg-type]

    def walled(self, **config: object) -> tuple[Coturn, Namespace]:
        """A coturn in a network namespace, whose firewall is open still."""
        inside = self.inside
        assert inside is not None, "the scenario doesn't say that it is walled"
        return self.server(address=inside.address, prefix=inside.prefix, **config), inside


Arrangement = Callable[[Stage], AbstractAsyncContextManager[Sequence[Entry]]]


class Scenario(Struct, frozen=True):
    """One row of the table in docs/browser.md. ``note`` says why where the two differ,
    ``walled`` that it needs a network namespace.

    A ``coarse`` one is a matter of luck in its course, not in its end: only the end is told.
    """

    name: str
    arrange: Arrangement
    note: str = "the same"
    coarse: bool = False
    walled: bool = False


def spki(certificate: Certificate) -> str:
    """What Chromium knows a certificate by that it is told to trust."""
    return spki_of(certificate.cert_file)


def spki_of(file: Path) -> str:
    """The same of a certificate's file."""
    leaf = x509.load_pem_x509_certificate(file.read_bytes())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def entries(server: Coturn, *ways: str, password: str | None = None) -> list[Entry]:
    """The server's URLs by these ways."""
    urls = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}
    password = password or server.password
    return [Entry(way, urls[way], server.username, password) for way in ways]


@asynccontextmanager
async def fine(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    yield entries(stage.server(), "udp", "tcp", "tls")


@asynccontextmanager
async def wrong_password(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    yield entries(stage.server(), "udp", "tcp", password="wrong")


@asynccontextmanager
async def expired_name(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server = stage.server(auth_secret=True)
    username = f"{int(time.time()) - 60}:probe"
    assert server.secret is not None
    digest = hmac.new(server.secret.encode(), username.encode(), hashlib.sha1).digest()
    yield [Entry("udp", server.udp_url, username, base64.b64encode(digest).decode())]


@asynccontextmanager
async def udp_blocked(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server, inside = stage.walled()
    inside.drop("udp", server.port)
    yield entries(server, "udp", "tcp")


@asynccontextmanager
async def only_https_open(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server, inside = stage.walled(tls_port=HTTPS)
    inside.drop("udp", server.port)
    inside.drop("tcp", server.port)
    yield entries(server, "udp", "tcp", "tls")


@asynccontextmanager
async def unknown_authority(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    folder = stage.folder / "unknown"
    folder.mkdir()
    yield entries(stage.server(certificate=make_certificate(folder)), "tls")


@asynccontextmanager
async def quota_used_up(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server = stage.server(user_quota=1)
    held = await allocate(server)
    try:
        yield entries(server, "udp")
    finally:
        await release(*held)


@asynccontextmanager
async def relay_range_firewalled(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server, inside = stage.walled()
    inside.drop("udp", *server.relay_ports)
    yield entries(server, "udp")


@asynccontextmanager
async def stopped(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server = stage.server()
    server.stop()
    yield entries(server, "udp", "tcp")


@asynccontextmanager
async def silent(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    server = stage.server()
    server.pause()
    yield entries(server, "udp", "tcp")


def lossy(loss: float) -> Arrangement:
    """A path that loses this share of the datagrams each way."""

    @asynccontextmanager
    async def arrange(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
        server = stage.server()
        async with forwarded(server.port, delay=0.01, loss=loss) as way:
            url = f"turn:{HOST}:{way.port}?transport=udp"
            yield [Entry("udp", url, server.username, server.password)]

    return arrange


@asynccontextmanager
async def primary_down(stage: Stage) -> AsyncIterator[Sequence[Entry]]:
    primary, backup = stage.server(), stage.server()
    primary.stop()
    (first,), (second,) = entries(primary, "udp"), entries(backup, "udp")
    yield [
        Entry("primary", first.url, first.username, first.password),
        Entry("backup", second.url, second.username, second.password),
    ]


SCENARIOS = (
    Scenario("fine", fine),
    Scenario("wrong password", wrong_password),
    Scenario(
        "time-limited user name has expired",
        expired_name,
        "to a browser the same as a wrong password; the name carries its end",
    ),
    Scenario(
        "UDP blocked, TCP open",
        udp_blocked,
        "users fall back to TCP, so it is a warning and no page",
        walled=True,
    ),
    Scenario(
        "only TLS on 443 open",
        only_https_open,
        "as above; the last transport carries every user",
        walled=True,
    ),
    Scenario(
        "certificate of an unknown authority",
        unknown_authority,
        "`PROBE_CA_FILE` makes it known to the probe alone, never to users' browsers",
    ),
    Scenario("quota used up", quota_used_up),
    Scenario(
        "relay ports firewalled",
        relay_range_firewalled,
        "from outside the server one cannot know whether its own ports or only the path between "
        "two of them is closed: a warning",
        walled=True,
    ),
    Scenario("server stopped", stopped, "Chromium retransmits and reports nothing for 14 s"),
    Scenario("server silent", silent, "as above"),
    Scenario("5 % of datagrams lost each way", lossy(0.05)),
    Scenario(
        "30 % lost each way",
        lossy(0.3),
        "an echo crosses four such paths, and three of four are lost",
        coarse=True,
    ),
    Scenario("primary down, backup up", primary_down, "a warning, and the backup is in use"),
)
