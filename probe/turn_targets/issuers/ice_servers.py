"""What an issuer's answer names: TURN servers and credentials, as a browser's ``iceServers``."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.browser_uri import refusal_of, refusal_of_login, relays_of
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.untrusted.text import excerpt


class IceServer(Struct, frozen=True):
    """One server by one transport, and its credentials."""

    url: TurnUri
    credentials: TurnCredentials


class IssuedList(Struct, frozen=True):
    """Servers in the answer's order (not empty), and for how many seconds their credentials
    are valid; None where the answer doesn't say."""

    servers: Sequence[IceServer]
    ttl: float | None = None


def member(document: object, name: str, host: str) -> Any:
    """The value of an object's key. Raises CheckFailed(body_invalid) without it."""
    if not isinstance(document, Mapping) or name not in document:
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers without {name}")
    return document[name]


def read_servers(document: object, host: str) -> Sequence[IceServer]:
    """The TURN servers of an ``iceServers`` list, or of its only entry; ``stun:`` is left out.

    Raises CheckFailed(body_invalid) for what is no such list or makes a browser throw,
    CheckFailed(credentials_missing) where it names no TURN server.
    """
    entries = [document] if isinstance(document, Mapping) else document
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers without a list of servers")
    servers = [server for entry in entries for server in _servers(entry, host)]
    if not servers:
        raise CheckFailed(Cause.CREDENTIALS_MISSING, f"{host} names no turn: or turns: server")
    return servers


def read_ttl(value: object, host: str) -> float | None:
    """A lifetime in seconds, which some write as text. Raises CheckFailed for one that is over."""
    if value is None:
        return None
    text = value if isinstance(value, str) else ""
    number = float(text) if text.isascii() and text.isdigit() and len(text) < 12 else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise CheckFailed(
            Cause.BODY_INVALID, f"{host} answers with a lifetime that is not a number"
        )
    if number <= 0:
        message = f"{host} issues credentials that have expired already (ttl {number:g})"
        raise CheckFailed(Cause.CREDENTIALS_EXPIRED, message)
    return float(number)


def _servers(entry: Mapping[str, Any], host: str) -> Sequence[IceServer]:
    urls = entry.get("urls", entry.get("url"))
    urls = [urls] if isinstance(urls, str) else urls
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers with a server without URL")
    found = read_urls(urls, host)
    if not found:
        return ()
    login = read_login(entry.get("username"), entry.get("credential"), host)
    return [IceServer(url, login) for url in found]


def read_urls(urls: Sequence[str], host: str) -> Sequence[TurnUri]:
    """The TURN URLs. Raises CheckFailed where one makes ``RTCPeerConnection`` throw."""
    for url in urls:
        refusal = refusal_of(url)
        if refusal:
            message = f"{host} answers with a URL that browsers throw for: {excerpt(url)}: "
            raise CheckFailed(Cause.BODY_INVALID, message + refusal)
    return relays_of(urls)


def read_login(username: object, password: object, host: str) -> TurnCredentials:
    """The credentials of a TURN server. Raises CheckFailed where a browser throws: without them,
    or with some that it does not take."""
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        message = f"{host} answers with a TURN server without user name or credential"
        raise CheckFailed(Cause.CREDENTIALS_MISSING, message)
    if refusal := refusal_of_login(username, password):
        message = f"{host} answers with {refusal}, for which browsers throw"
        raise CheckFailed(Cause.BODY_INVALID, message)
    return TurnCredentials(username, SecretStr(password))
