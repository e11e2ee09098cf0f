"""An endpoint by draft-uberti-behave-turn-rest-00, as coturn's users have: ``?service=turn``.

https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
"""

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.turn_targets.issuers.account import TTL_SECONDS, Issuer, IssuerAccount, IssuerRequest
from probe.turn_targets.issuers.ice_servers import (
    IceServer,
    IssuedList,
    member,
    read_login,
    read_ttl,
    read_urls,
)


def _request(account: IssuerAccount) -> IssuerRequest:
    query = {"service": "turn", "username": account.account or "probe", "ttl": str(TTL_SECONDS)}
    key = account.key.get_secret_value()
    return IssuerRequest("GET", "", query={**query, "key": key} if key else query)


def _read(document: object, host: str) -> IssuedList:
    uris = member(document, "uris", host)
    if not isinstance(uris, list) or not all(isinstance(each, str) for each in uris):
        raise CheckFailed(Cause.BODY_INVALID, f"{host} answers with uris that are not a URL list")
    urls = read_urls(uris, host)
    if not urls:
        raise CheckFailed(Cause.CREDENTIALS_MISSING, f"{host} names no turn: or turns: server")
    login = read_login(member(document, "username", host), member(document, "password", host), host)
    ttl = document.get("ttl") if isinstance(document, dict) else None
    return IssuedList([IceServer(url, login) for url in urls], read_ttl(ttl, host))


TURN_REST = Issuer(
    title="TURN REST API",
    request=_request,
    read=_read,
    needs=("issuer_url",),
    remedy="Check TURN_REST_KEY (api_key), which the endpoint takes as the parameter key.",
    ways=None,
)
