"""What a check's table says about its TURN server, shared by the kinds that use one."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import CheckConfig
from probe.core.model import CheckFailed, Impact, NotMeasured
from probe.core.recorder import Recorder
from probe.net.slots import Slots
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.paircam import DEFAULT_EXPIRATION, Duration, IssuedCredentials, backend_from
from probe.stun.browser_uri import refusal_of
from probe.stun.byte_counter import count_bytes
from probe.stun.credentials import (
    CredentialSource,
    Static,
    TimeLimited,
    TurnCredentials,
    expiry_of,
)
from probe.stun.uri import WAYS_IN, TransportProtocol, TurnUri, parse_turn_url, parse_url_list
from probe.turn.resolve import Family
from probe.turn_targets.signals import traffic_of, write_traffic

if TYPE_CHECKING:
    from probe.turn_targets.metered_api import MeteredServers

ALLOCATION_RESULTS = "allocation results"
"""Trigger key: its subscribers run at once when a server begins to fail, or recovers."""

MOST_ALLOCATIONS = 2
"""Of one run at a time, as many as a call between two users has."""

# Of the deadline, for asking who we are: what comes later leaves no time to measure.
_LOGIN_SHARE = 0.5
_STALE = (Cause.AUTH_REJECTED, Cause.CREDENTIALS_EXPIRED)


def _read_url(value: object) -> object:
    return parse_turn_url(value) if isinstance(value, str) else value


class TurnServerConfig(CheckConfig):
    """One server by one transport, or (with ``backend_url``) what the backend issues.

    Credentials are ``username`` and ``password``, or ``shared_secret`` for time-limited
    ones; neither, for a server that asks for none. With ``metered_url`` and ``api_key``
    both server and credentials come from Metered: the first one by the ``way`` in.
    ``family`` keeps to the server's IPv4 or IPv6 addresses.
    """

    provider: str = Field(default="custom", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """Name of the provider, a label of its metrics. Example: `eu`"""
    url: Annotated[TurnUri, BeforeValidator(_read_url)] | None = None
    """`turn:HOST`, `turn:HOST?transport=tcp` or `turns:HOST`. Example:
    `turn:eu.relay.example.org:3478`"""
    username: str | None = None
    """User name of long-term credentials. Example: `probe`"""
    password: SecretStr | None = None
    """Password of long-term credentials; `password_from` names a variable that holds it."""
    shared_secret: SecretStr | None = None
    """Secret from which time-limited credentials are made (coturn's `use-auth-secret`)."""
    backend_url: BaseUrl | None = None
    """Backend that issues servers and credentials, instead of `url`. Example:
    `https://paircam.live`"""
    jwt_secret: SecretStr | None = None
    """Key that the token for the backend is minted with."""
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    metered_url: BaseUrl | None = None
    """Metered API that issues servers and credentials, instead of `url`. Example:
    `https://paircam.metered.live`"""
    api_key: SecretStr | None = None
    """API key of a Metered credential."""
    way: TransportProtocol = "udp"
    """Transport to the server, where it is issued and not given by `url`. Example: `tls`"""
    family: Family | None = None
    """Address family; without it the first address of the name. Example: `ipv6`"""
    user_quota: int = Field(default=MOST_ALLOCATIONS, ge=1, le=10_000)
    """Allocations that checks have of one user at a time: no more than the server permits
    (coturn's `user-quota`). Example: `4`"""
    ca_file: CaFile | None = None

    @property
    def needs_server(self) -> bool:
        """Whether there is a server at all."""
        return True

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        sources = (self.url, self.backend_url, self.metered_url)
        if self.needs_server and sum(source is not None for source in sources) != 1:
            raise ValueError("set either url or backend_url or metered_url")
        if (self.metered_url is None) != (self.api_key is None):
            raise ValueError("set metered_url and api_key, or neither")
        if (self.username is None) != (self.password is None):
            raise ValueError("set username and password, or neither")
        return self

    @property
    def target(self) -> str:
        """The TURN URL without its query (a label says the transport), or who issues it."""
        if self.backend_url is not None:
            return show_url(self.backend_url.get_secret_value() + "/turn/credentials")
        if self.metered_url is not None:
            return show_url(self.metered_url.get_secret_value() + "/api/v1/turn/credentials")
        return str(self.url).partition("?")[0]

    @property
    def labels(self) -> dict[str, str]:
        """``provider``, and ``transport``: udp, tcp, tls, or all for what is issued.

        ``family`` where one is asked for.
        """
        labels = {"provider": self.provider, "transport": self.way_in or "all"}
        return labels | ({"family": self.family} if self.family else {})

    @property
    def way_in(self) -> TransportProtocol | None:
        """The transport that is checked; None for issued servers, which may have any."""
        if self.issued:
            return None
        return self.url.kind if self.url is not None else self.way

    @property
    def place(self) -> str:
        """Trigger key of all checks of one server by one transport."""
        return " ".join((self.provider, self.target, self.way_in or "all", self.family or "any"))

    @property
    def triggered_by(self) -> frozenset[str]:
        """The server's allocation check."""
        return frozenset({self.place}) if self.needs_server else frozenset()

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        if not self.needs_server:
            return Impact("calls", "Calls fail", "Some calls fail")
        return Impact("TURN servers", "No TURN relay works", "A TURN relay fails")

    @property
    def alert_group(self) -> str:
        """The provider, or the backend's host for what that issues."""
        if self.backend_url is not None:
            return show_host(self.backend_url.get_secret_value())
        return f"TURN {self.provider}"

    @property
    def issued(self) -> bool:
        """Whether this is what users get from the backend."""
        return self.backend_url is not None

    @property
    def source(self) -> CredentialSource | None:
        """Where the credentials come from; None where there are none."""
        if self.username is not None and self.password is not None:
            return Static(TurnCredentials(self.username, self.password))
        return TimeLimited(self.shared_secret) if self.shared_secret else None


async def servers_for(
    table: TurnServerConfig, record: Recorder, context: Context
) -> tuple[TurnCredentials | None, Sequence[TurnUri]]:
    """Where to go, as a browser prefers it (not empty), and who we are there.

    Several URLs for what the backend issues, one for everything else. Raises CheckFailed or
    NotMeasured with its phase.
    """
    if table.backend_url is not None:
        return await issued_servers(table, table.backend_url, record, context)
    if table.metered_url is not None and table.api_key is not None:
        return await _metered_server(table, table.metered_url, table.api_key, record, context)
    if table.url is None:
        raise RuntimeError(f"{table.name} has no server")
    source = table.source
    return source.at(context.now()) if source else None, [table.url]


@contextmanager
def counting_traffic(table: TurnServerConfig, record: Recorder, context: Context) -> Iterator[None]:
    """Around all that a run does: its bytes are counted and written down, and kept
    credentials that are refused are asked for anew in the next run."""
    traffic = traffic_of(table.name, context)
    try:
        with count_bytes(traffic):
            yield
    except CheckFailed as error:
        if table.metered_url is not None and table.api_key is not None and error.cause in _STALE:
            _metered(table.metered_url, table.api_key, context).forget()
        raise
    finally:
        write_traffic(traffic, record)


@asynccontextmanager
async def allocation_slots(
    users: Sequence[TurnCredentials | None], quota: int, record: Recorder, context: Context
) -> AsyncIterator[None]:
    """Wait until one allocation for each of ``users`` fits under the ``quota`` of each.

    A user's quota is often that of one call. Allocations are deleted at the end of a run, so
    that checks of one user take turns, and none of them exceeds the quota that another uses.
    """
    wanted = Counter(_user_of(each) for each in users if each is not None)
    async with AsyncExitStack() as stack:
        with record.queueing():
            # In one order for everybody, or two could wait for each other.
            for user, count in sorted(wanted.items()):
                key = ("allocations of", user, quota)
                slots = context.get_or_create(key, lambda: Slots(quota))
                await stack.enter_async_context(slots.hold(count))
        yield


def _user_of(credentials: TurnCredentials) -> str:
    """Whom a server counts a quota for: time-limited user names end in the same name."""
    expiry, _, name = credentials.username.partition(":")
    return name if expiry_of(expiry) is not None else credentials.username


def _metered(url: SecretStr, api_key: SecretStr, context: Context) -> "MeteredServers":
    from probe.turn_targets.metered_api import MeteredServers

    key = ("metered servers", url.get_secret_value(), api_key.get_secret_value())
    return context.get_or_create(key, lambda: MeteredServers(url, api_key, context))


async def _metered_server(
    table: TurnServerConfig, url: SecretStr, api_key: SecretStr, record: Recorder, context: Context
) -> tuple[TurnCredentials, Sequence[TurnUri]]:
    metered = _metered(url, api_key, context)
    with record.phase("credentials"):
        found = await metered.get(table.ca_file, _LOGIN_SHARE * table.deadline)
    for server in found:
        if server.url.kind == table.way:
            record.facts["issued"] = str(server.url)
            return server.credentials, [server.url]
    message = f"Metered names no server by {table.way}"
    raise NotMeasured(Cause.NO_DATA, message, phase="credentials")


async def issued_servers(
    table: TurnServerConfig, backend_url: SecretStr, record: Recorder, context: Context
) -> tuple[TurnCredentials, Sequence[TurnUri]]:
    """Ask the backend; its credentials, and the URLs as a browser prefers them (not empty).

    Raises CheckFailed or NotMeasured with its phase.
    """
    backend = backend_from(
        context,
        url=backend_url,
        jwt_secret=table.jwt_secret,
        jwt_expiration=table.jwt_expiration,
        ca_file=table.ca_file,
    )
    issued = await backend.issued_credentials(record)
    urls = preferred_first(issued)
    record.facts["issued"] = ", ".join(str(url) for url in urls)
    return TurnCredentials(issued.username, issued.credential), urls


def with_uri(url: TurnUri, error: CheckFailed) -> CheckFailed:
    """The failure with the URL in its message, where the check's target doesn't say it."""
    return CheckFailed(error.cause, f"{url}: {error.message}", phase=error.phase, hint=error.hint)


def preferred_first(issued: IssuedCredentials) -> Sequence[TurnUri]:
    """What is issued as a browser prefers it (not empty). Raises CheckFailed."""
    for text in issued.urls:
        refusal = refusal_of(text)
        if refusal:
            message = f"browsers throw for the whole list that is issued: {_shown(text)}: {refusal}"
            raise CheckFailed(Cause.BODY_INVALID, message, phase="credentials")
    try:
        urls = parse_url_list(" ".join(issued.urls)).urls
    except ValueError as error:
        message = f"the backend issues a URL that no browser can use: {error}"
        raise CheckFailed(Cause.BODY_INVALID, message, phase="credentials") from None
    if not urls:
        message = "the backend issues no turn: or turns: URL"
        raise CheckFailed(Cause.CREDENTIALS_MISSING, message, phase="credentials")
    return sorted(urls, key=lambda url: WAYS_IN.index(url.kind))


def _shown(text: str) -> str:
    """A URL for display, without what may be a password."""
    return f"'{text.rpartition('@')[2][:120]}'"
