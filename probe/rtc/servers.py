"""What a check's table says about its TURN server, shared by the kinds that use one."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from probe.causes import Cause
from probe.context import Context
from probe.kind import Table
from probe.model import CheckFailed
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.paircam import DEFAULT_EXPIRATION, Duration, IssuedCredentials, backend_from
from probe.record import Record
from probe.rtc.credentials import Credentials, CredentialSource, Static, TimeLimited
from probe.rtc.providers import ISSUED, TurnEnvironment, TurnServer
from probe.rtc.urls import WAYS_IN, TurnUrl, parse_turn_url, parse_url_list


def _read_url(value: object) -> object:
    return parse_turn_url(value) if isinstance(value, str) else value


class ServerTable(Table):
    """One server by one way in, or (with ``backend_url``) what the backend issues.

    Credentials are ``username`` and ``password``, or ``shared_secret`` for time-limited
    ones; neither, for a server that asks for none.
    """

    provider: str = Field(default="custom", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    url: Annotated[TurnUrl, BeforeValidator(_read_url)] | None = None
    username: str | None = None
    password: SecretStr | None = None
    shared_secret: SecretStr | None = None
    backend_url: BaseUrl | None = None
    jwt_secret: SecretStr | None = None
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    ca_file: CaFile | None = None

    @property
    def needs_server(self) -> bool:
        """Whether there is a server at all."""
        return True

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.needs_server and (self.url is None) == (self.backend_url is None):
            raise ValueError("set either url or backend_url")
        if (self.username is None) != (self.password is None):
            raise ValueError("set username and password, or neither")
        return self

    @property
    def target(self) -> str:
        """The TURN URL without its query (a label says the transport), or who issues it."""
        if self.backend_url is not None:
            return show_url(self.backend_url.get_secret_value() + "/turn/credentials")
        return str(self.url).partition("?")[0]

    @property
    def labels(self) -> dict[str, str]:
        """``provider``, and ``transport``: udp, tcp, tls, or all for what is issued."""
        return {"provider": self.provider, "transport": self.url.kind if self.url else "all"}

    @property
    def subject(self) -> str:
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
            return Static(Credentials(self.username, self.password))
        return TimeLimited(self.shared_secret) if self.shared_secret else None


def server_table(name: str, server: TurnServer) -> dict[str, Any]:
    """The raw table of a check of one configured server."""
    table: dict[str, Any] = {
        "name": name,
        "provider": server.provider,
        "url": str(server.url),
    }
    match server.source:
        case Static(credentials):
            table |= {"username": credentials.username, "password": credentials.password}
        case TimeLimited(secret):
            table["shared_secret"] = secret
    return table


def issued_table(name: str, environment: TurnEnvironment) -> dict[str, Any]:
    """The raw table of a check of what the backend issues."""
    return {
        "name": name,
        "provider": ISSUED,
        "backend_url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
    }


async def issued_servers(
    table: ServerTable, backend_url: SecretStr, record: Record, context: Context
) -> tuple[Credentials, Sequence[TurnUrl]]:
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
    urls = _preferred_first(issued)
    record.facts["issued"] = ", ".join(str(url) for url in urls)
    return Credentials(issued.username, issued.credential), urls


def naming(url: TurnUrl, error: CheckFailed) -> CheckFailed:
    """The failure with the URL in its message, where the check's target doesn't say it."""
    return CheckFailed(error.cause, f"{url}: {error.message}", phase=error.phase, hint=error.hint)


def _preferred_first(issued: IssuedCredentials) -> Sequence[TurnUrl]:
    try:
        urls = parse_url_list(" ".join(issued.urls)).urls
    except ValueError as error:
        message = f"the backend issues an URL that no browser takes: {error}"
        raise CheckFailed(Cause.BODY_INVALID, message, phase="credentials") from None
    if not urls:
        message = "the backend issues no turn: or turns: URL"
        raise CheckFailed(Cause.CREDENTIALS_MISSING, message, phase="credentials")
    return sorted(urls, key=lambda url: WAYS_IN.index(url.kind))
