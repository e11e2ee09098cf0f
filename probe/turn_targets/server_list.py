"""Where a run goes and who it is there: from its table, the backend, or an issuer's API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from probe.net.urls import show_host
from probe.paircam import IssuedCredentials, backend_from
from probe.stun.browser_uri import blocked_port, refusal_of, refusal_of_login, relays_of
from probe.stun.byte_counter import count_bytes
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TRANSPORTS, TurnUri
from probe.turn_targets.issuers.account import IssuerAccount
from probe.turn_targets.issuers.ice_servers import IceServer
from probe.turn_targets.signals import traffic_of, write_traffic
from probe.turn_targets.table import TurnServerConfig

# Of the deadline, for asking who we are: what comes later leaves no time to measure.
_LOGIN_SHARE = 0.5
_STALE = (Cause.AUTH_REJECTED, Cause.CREDENTIALS_EXPIRED)


async def servers_for(
    table: TurnServerConfig, record: Recorder, context: Context
) -> tuple[TurnCredentials | None, Sequence[TurnUri]]:
    """Where to go, as a browser prefers it (not empty), and who we are there.

    Several URLs for what the application issues, one for everything else. Raises CheckFailed or
    NotMeasured with its phase.
    """
    if table.backend_url is not None:
        return await issued_servers(table, table.backend_url, record, context)
    account = table.issuer_account
    if account is not None:
        found = await _servers_of_issuer(table, account, record, context)
        record.facts["issued"] = ", ".join(str(each.url) for each in found)
        # One answer has one user for all servers of one kind.
        return found[0].credentials, [each.url for each in found]
    if table.url is None:
        raise RuntimeError(f"{table.name} has no server")
    source = table.source
    credentials = source.at(context.now()) if source else None
    if credentials is not None:
        _check_login(credentials, Cause.BODY_INVALID)
    return credentials, [table.url]


@contextmanager
def counting_traffic(table: TurnServerConfig, record: Recorder, context: Context) -> Iterator[None]:
    """Around all that a run does: its bytes are counted and written down, and kept
    credentials that are refused are asked for anew in the next run."""
    traffic = traffic_of(table.name, context)
    try:
        with count_bytes(traffic):
            yield
    except CheckFailed as error:
        account = table.issuer_account
        if account is not None and table.issuer_name and error.cause in _STALE:
            from probe.turn_targets.issuers.client import issued_by

            issued_by(table.issuer_name, account, context).forget()
        raise
    finally:
        write_traffic(traffic, record)


async def _servers_of_issuer(
    table: TurnServerConfig, account: IssuerAccount, record: Recorder, context: Context
) -> Sequence[IceServer]:
    """All that browsers would use of an application's own API; of a provider's, the first by the
    way that is checked."""
    from probe.turn_targets.issuers.client import issued_by

    name = table.issuer_name or ""
    with record.phase("credentials"):
        servers = await issued_by(name, account, context).get(
            table.ca_file, _LOGIN_SHARE * table.deadline
        )
    if table.issued:
        return sorted(servers, key=lambda each: TRANSPORTS.index(each.url.kind))
    fitting = [each for each in servers if each.url.kind == table.way]
    if not fitting:
        message = f"{show_host(account.base)} names no server by {table.way}"
        raise NotMeasured(Cause.NO_DATA, message, phase="credentials")
    # Some name ports that browsers never contact, among others.
    return [next((each for each in fitting if not blocked_port(each.url)), fitting[0])]


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
        origin=table.origin,
    )
    issued = await backend.issued_credentials(record)
    urls = preferred_first(issued)
    record.facts["issued"] = ", ".join(str(url) for url in urls)
    return login_of(issued), urls


def login_of(issued: IssuedCredentials) -> TurnCredentials:
    """The credentials that are issued. Raises CheckFailed where a browser throws for them."""
    credentials = TurnCredentials(issued.username, issued.credential)
    is_empty = not (issued.username and issued.credential.get_secret_value())
    _check_login(credentials, Cause.CREDENTIALS_MISSING if is_empty else Cause.BODY_INVALID)
    return credentials


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
    urls = relays_of(issued.urls)
    if not urls:
        message = "the backend issues no turn: or turns: URL"
        raise CheckFailed(Cause.CREDENTIALS_MISSING, message, phase="credentials")
    return sorted(urls, key=lambda url: TRANSPORTS.index(url.kind))


def _check_login(credentials: TurnCredentials, cause: Cause) -> None:
    """Raises CheckFailed where a browser throws for the whole list because of them."""
    password = credentials.password.get_secret_value()
    if refusal := refusal_of_login(credentials.username, password):
        raise CheckFailed(cause, f"browsers throw for {refusal}", phase="credentials")


def _shown(text: str) -> str:
    """A URL for display, without what may be a password."""
    return f"'{text.rpartition('@')[2][:120]}'"
