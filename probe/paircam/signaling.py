"""A Socket.IO connection to the signaling server, as a check makes it: where, and how timed.

The full session (``signaling``) and the handshake that costs the backend's Redis nothing
(``engineio``) begin alike.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import CheckConfig
from probe.core.model import (
    CheckFailed,
    Impact,
    Limits,
    LimitSide,
    Signal,
    Threshold,
    Unit,
)
from probe.core.recorder import Recorder
from probe.net.fetch import cors
from probe.net.urls import BaseUrl, CaFile, show_host
from probe.paircam.triggers import SIGNALING, of_backend, of_signaling

if TYPE_CHECKING:
    from probe.net.engineio.session import Site
    from probe.net.http import FreshHttpClient
    from probe.net.socketio import Session

UPGRADE = Signal(
    "probe_signaling_upgrade_seconds",
    Unit.SECONDS,
    "From the polling connection to the end of its upgrade to WebSocket.",
    latency=True,
)

UPGRADED = Signal(
    "probe_signaling_upgraded",
    Unit.BOOLEAN,
    "Whether the upgrade to WebSocket that the server offers succeeds; without it browsers stay "
    "on polling.",
    display_name="upgrade to WebSocket succeeds",
)
# Offered where polling can be upgraded; one that fails slows users down and keeps none out.
UPGRADED_THRESHOLD = Threshold(UPGRADED, Limits(warning=1.0), bad=LimitSide.BELOW, optional=True)

PATIENCE_SHARE = 0.8
"""Of the deadline: for a server that does not answer yet. Its own failure is named then."""
# How long after a complaint the server may take to end the session because of it.
_COMPLAINT_SECONDS = 0.5


def _sendable_value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not all(each == "\t" or (" " <= each <= "\u00ff" and each != "\x7f") for each in text):
        raise ValueError("must be one line of letters that a header can carry (ISO 8859-1)")
    return value


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[SecretStr, AfterValidator(_sendable_value)]
EventName = Annotated[str, Field(min_length=1)]
Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$")]


class SocketTable(CheckConfig):
    """A Socket.IO server: where it is, and over which transport the connection begins."""

    url: BaseUrl
    """Base URL of the signaling server. Example: `https://paircam.live`"""
    ca_file: CaFile | None = None
    namespace: Path = "/signaling"
    """Socket.IO namespace."""
    path: Path = "/socket.io"
    """Path of the Socket.IO endpoint."""
    transport: Literal["websocket", "polling"] = "websocket"
    """`websocket` connects directly; `polling` starts with HTTP long-polling and upgrades. Example:
    `polling`"""
    origin: cors.Origin | None = None
    """Origin of the page that browsers are on: sent as they do, and the server has to allow it; by
    default that of FRONTEND_URL. Example: `https://paircam.live`"""
    with_credentials: bool = False
    """Whether the page sends cookies along (`withCredentials`), which CORS then has to allow.
    Example: `true`"""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Further headers of each request and each WebSocket, which the probe sends and no page does:
    what a gateway wants of it. Example: `{ X-Environment = "staging" }`"""
    extra_headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Headers that the page sends (socket.io-client's `extraHeaders`), which CORS has to allow.
    Where the page's origin is known, a WebSocket has none of them, as in browsers. Example:
    `{ X-Client-Version = "7" }`"""
    ready_event: EventName = "connected"
    """Event with which the application says that the session is ready."""

    @property
    def site(self) -> "Site":
        """Where it listens, as a page of ``origin`` asks for it."""
        from probe.net.engineio.session import Site

        headers, extra = (
            {name: value.get_secret_value() for name, value in each.items()}
            for each in (self.headers, self.extra_headers)
        )
        url = self.url.get_secret_value()
        return Site(url, self.path, self.origin, self.with_credentials, extra, headers)

    @property
    def target(self) -> str:
        """Origin and namespace."""
        url = self.url.get_secret_value()
        return f"{urlsplit(url).scheme}://{show_host(url)}{self.namespace}"

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("backend", "Users can't connect: signaling fails", "Signaling fails")

    @property
    def alert_group(self) -> str:
        """The backend's host: without it there is no session."""
        return show_host(self.url.get_secret_value())

    @property
    def labels(self) -> dict[str, str]:
        """The transport that the session begins with."""
        return {"transport": self.transport}

    @property
    def triggers(self) -> frozenset[str]:
        """The backend's other checks."""
        return frozenset({of_signaling(self.alert_group), of_backend(self.alert_group)})

    @property
    def triggered_by(self) -> frozenset[str]:
        """Whatever is near signaling: the backend, and what it needs."""
        return frozenset({of_signaling(self.alert_group), SIGNALING})


@asynccontextmanager
async def session(
    table: SocketTable, record: Recorder, context: Context, listen: tuple[str, ...]
) -> AsyncIterator[tuple["FreshHttpClient", "Session"]]:
    """A fresh session, closed whatever happens; a failure keeps the phase that it is in."""
    from probe.net.http import fresh_client
    from probe.net.socketio import Session

    host = show_host(table.url.get_secret_value())
    async with fresh_client(ca_file=table.ca_file, clock=context.clock, host=host) as browser:
        found = Session(
            browser, host=host, namespace=table.namespace, listen=listen, clock=context.clock
        )
        try:
            yield browser, found
        except BaseException:
            await context.closing.close(found.close(), timeout=1.0)
            raise
        with record.phase("close"):
            await context.closing.close(found.close(), timeout=1.0)


async def connect(
    table: SocketTable,
    record: Recorder,
    browser: "FreshHttpClient",
    session: "Session",
    token: SecretStr | None,
    context: Context,
) -> None:
    """Connect engine.io, then the namespace; without a token the server should refuse it."""
    from probe.net.socketio import CONNECT as CONNECTED
    from probe.paircam.page_polls import check_page_polls

    with _connecting(record, browser, session):
        await session.open(
            table.site,
            token=token.get_secret_value() if token is not None else None,
            transport=table.transport,
            patience=PATIENCE_SHARE * table.deadline - sum(record.phases.values()),
        )
    if (again := session.reconnection).attempts:
        record.facts["reconnected"] = f"after {again.attempts} attempts: {again.because}"
    with record.phase("handshake"):
        await session.expect(CONNECTED)
    record.facts["transport"] = session.transport
    if table.transport == "websocket":
        await check_page_polls(table.site, table.ca_file, record, context)


async def is_ended_because_of(aborted: CheckFailed, session: "Session") -> bool:
    """Whether the server itself ends the session, for the reason ``aborted`` if it gives one."""
    complaint = aborted.cause is Cause.PROTOCOL_ERROR
    return await session.closed_by_server(_COMPLAINT_SECONDS if complaint else 0.0)


def may_be_about_the_token(aborted: CheckFailed) -> bool:
    """Whether the session was refused after the token was sent."""
    from probe.net.engineio.complaints import NamespaceRefused

    refused = aborted.cause in (Cause.AUTH_REJECTED, Cause.SESSION_REFUSED)
    return refused or isinstance(aborted, NamespaceRefused)


@contextmanager
def _connecting(record: Recorder, browser: "FreshHttpClient", session: "Session") -> Iterator[None]:
    """Divide the seconds of connecting among resolve, connect, tls, handshake and upgrade."""
    started = record.clock()
    record.current, record.hint = "connect", ""
    completed = False
    try:
        yield
        completed = True
    finally:
        ended = record.clock()
        opened = ended if session.opened is None else session.opened
        spent = browser.timing.phases if session.opened is None else session.spent
        known = {name: spent[name] for name in ("resolve", "connect", "tls") if name in spent}
        for name, seconds in known.items():
            record.add_phase(name, seconds)
        current = "handshake" if session.opened is not None else _phase_of(browser)
        record.add_phase(current, max(0.0, opened - started - sum(known.values())))
        record.current = current
        if session.opened is not None and session.upgrading:
            record.current = "upgrade"
            record.add_phase("upgrade", ended - opened)
            if completed:
                upgraded = session.transport == "websocket"
                record.sample(UPGRADED, upgraded)
                if upgraded:
                    record.sample(UPGRADE, ended - opened)
                else:
                    record.facts["upgrade"] = session.upgrade_refused


def _phase_of(browser: "FreshHttpClient") -> str:
    return browser.phase if browser.phase in ("resolve", "connect", "tls") else "handshake"
