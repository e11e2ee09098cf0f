"""What a check's table says about its TURN server, shared by the kinds that use one."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, InstanceOf, SecretStr, model_validator

from probe.core.kind import CheckConfig
from probe.core.model import Impact
from probe.net.fetch import cors
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.paircam import DEFAULT_EXPIRATION, Duration
from probe.stun.credentials import (
    CredentialSource,
    Static,
    TimeLimited,
    TurnCredentials,
)
from probe.stun.uri import TransportProtocol, TurnUri, parse_turn_url
from probe.turn.resolve import Family
from probe.turn_targets.issuers import ISSUERS, IssuerName
from probe.turn_targets.issuers.account import Issuer, IssuerAccount

ALLOCATION_RESULTS = "allocation results"
"""Trigger key: its subscribers run at once when a server begins to fail, or recovers."""

MAX_ALLOCATIONS = 2
"""Of one run at a time, as many as a call between two users has."""


def _read_url(value: object) -> object:
    return parse_turn_url(value) if isinstance(value, str) else value


class TurnServerConfig(CheckConfig):
    """One server by one transport, or (with ``backend_url``) what the backend issues.

    Credentials are ``username`` and ``password``, or ``shared_secret`` for time-limited
    ones; neither, for a server that asks for none. With ``metered_url`` and ``api_key``, or with
    ``issuer``, both server and credentials come from an API: the first one by the ``way`` in, or
    all of them where the API is the operator's own (``turn-rest``).
    ``family`` keeps to the server's IPv4 or IPv6 addresses.
    """

    provider: str = Field(default="custom", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """Name of the provider, a label of its metrics. Example: `eu`"""
    url: Annotated[InstanceOf[TurnUri], BeforeValidator(_read_url)] | None = None
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
    origin: cors.Origin | None = None
    """Origin of the page that the backend issues to, which it has to allow. Example:
    `https://paircam.live`"""
    metered_url: BaseUrl | None = None
    """Metered API that issues servers and credentials, instead of `url`. Example:
    `https://paircam.metered.live`"""
    issuer: IssuerName | None = None
    """API that issues servers and credentials, instead of `url`: Cloudflare Realtime TURN, Twilio's
    Network Traversal Service, Xirsys, or an endpoint by draft-uberti-behave-turn-rest. Example:
    `cloudflare`"""
    issuer_url: BaseUrl | None = None
    """Address of the issuer's API, where it isn't the provider's own; `turn-rest` needs it.
    Example: `https://api.example.org/turn`"""
    account: str | None = None
    """Who we are at the issuer: Cloudflare's TURN key ID, Twilio's account SID, Xirsys' ident; the
    user name for `turn-rest`. Example: `AC0123456789abcdef0123456789abcdef`"""
    channel: str | None = None
    """Channel at Xirsys. Example: `paircam`"""
    api_key: SecretStr | None = None
    """API key of a Metered credential, or the issuer's secret: Cloudflare's API token, Twilio's
    auth token (or `SID:SECRET` of an API key), Xirsys' secret, the `key` of `turn-rest`."""
    way: TransportProtocol = "udp"
    """Transport to the server, where it is issued and not given by `url`. Example: `tls`"""
    family: Family | None = None
    """Address family; without it the first address of the name. Example: `ipv6`"""
    user_quota: int = Field(default=MAX_ALLOCATIONS, ge=1, le=10_000)
    """Allocations that checks have of one user at a time: no more than the server permits
    (coturn's `user-quota`). Example: `4`"""
    ca_file: CaFile | None = None

    @property
    def needs_server(self) -> bool:
        """Whether there is a server at all."""
        return True

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        sources = (self.url, self.backend_url, self.metered_url, self.issuer)
        if self.needs_server and sum(source is not None for source in sources) != 1:
            raise ValueError("set either url or backend_url or metered_url or issuer")
        if self.issuer is None and (self.metered_url is None) != (self.api_key is None):
            raise ValueError("set metered_url and api_key, or neither")
        if self.issuer is not None:
            missing = [key for key in ISSUERS[self.issuer].needs if not getattr(self, key)]
            if missing:
                raise ValueError(f'issuer = "{self.issuer}" needs {" and ".join(missing)}')
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
        account = self.issuer_account
        if account is not None:
            return show_url(account.base)
        return str(self.url).partition("?")[0]

    @property
    def labels(self) -> dict[str, str]:
        """``provider``, and ``transport``: udp, tcp, tls, or all for what is issued.

        ``family`` where one is asked for.
        """
        labels = {"provider": self.provider, "transport": self.client_transport or "all"}
        return labels | ({"family": self.family} if self.family else {})

    @property
    def client_transport(self) -> TransportProtocol | None:
        """The transport that is checked; None for issued servers, which may have any."""
        if self.issued:
            return None
        return self.url.kind if self.url is not None else self.way

    @property
    def place(self) -> str:
        """Trigger key of all checks of one server by one transport."""
        return " ".join(
            (self.provider, self.target, self.client_transport or "all", self.family or "any")
        )

    @property
    def triggered_by(self) -> frozenset[str]:
        """The server's allocation check."""
        return frozenset({self.place}) if self.needs_server else frozenset()

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        if not self.needs_server:
            return Impact("calls", "Calls fail", "Some calls fail")
        if self.issued:
            # The servers themselves may work, with other credentials.
            loss = "Users get no working TURN server"
            return Impact("TURN servers", loss, "Users get a TURN server that fails")
        return Impact("TURN servers", "No TURN relay works", "A TURN relay fails")

    @property
    def credential_warnings(self) -> tuple[str, ...]:
        """That a server of its own has no credentials, with the remedy."""
        if self.url is None or self.source is not None:
            return ()
        return (
            "has no credentials, and browsers refuse a TURN server without (RTCPeerConnection "
            "throws InvalidAccessError), so what users get is unknown. Set TURN_USERNAME and "
            "TURN_PASSWORD, or TURN_SHARED_SECRET; in probe.toml username and password_from",
        )

    @property
    def alert_group(self) -> str:
        """The provider, or for what the application issues the host of who issues it."""
        if self.backend_url is not None:
            return show_host(self.backend_url.get_secret_value())
        if self.issued and self.issuer_url is not None:
            return show_host(self.issuer_url.get_secret_value())
        return f"TURN {self.provider}"

    @property
    def issued(self) -> bool:
        """Whether this is what users get from the application: a list, as browsers use it."""
        found = self.credential_issuer
        return self.backend_url is not None or (found is not None and found.ways is None)

    @property
    def issuer_name(self) -> str | None:
        """The name of the API in ISSUERS, where servers come from one."""
        return "metered" if self.metered_url is not None else self.issuer

    @property
    def credential_issuer(self) -> Issuer | None:
        """The API that names servers and credentials; None where the table or the backend does."""
        name = self.issuer_name
        return ISSUERS[name] if name is not None else None

    @property
    def issuer_account(self) -> IssuerAccount | None:
        """What identifies us at the API."""
        found = self.credential_issuer
        if found is None:
            return None
        return IssuerAccount(
            self.metered_url or self.issuer_url or SecretStr(found.default_url),
            self.account or "",
            self.channel or "",
            self.api_key or SecretStr(""),
        )

    @property
    def source(self) -> CredentialSource | None:
        """Where the credentials come from; None where there are none."""
        if self.username is not None and self.password is not None:
            return Static(TurnCredentials(self.username, self.password))
        return TimeLimited(self.shared_secret) if self.shared_secret else None
