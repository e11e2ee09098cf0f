"""Twilio's Network Traversal Service: tokens with TURN servers, by HTTP's Basic authentication.

https://www.twilio.com/docs/stun-turn/api
"""

import base64
from urllib.parse import quote

from probe.turn_targets.issuers.account import TTL_SECONDS, Issuer, IssuerAccount, IssuerRequest
from probe.turn_targets.issuers.ice_servers import IssuedList, member, read_servers, read_ttl


def basic(user: str, password: str) -> str:
    """The value of ``Authorization`` (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _request(account: IssuerAccount) -> IssuerRequest:
    # An API key instead of the account's own token is written as SID:SECRET.
    user, colon, secret = account.key.get_secret_value().partition(":")
    login = basic(user, secret) if colon else basic(account.account, user)
    return IssuerRequest(
        "POST",
        f"/2010-04-01/Accounts/{quote(account.account, safe='')}/Tokens.json",
        headers={
            "Authorization": login,
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=f"Ttl={TTL_SECONDS}".encode(),
    )


def _read(document: object, host: str) -> IssuedList:
    servers = read_servers(member(document, "ice_servers", host), host)
    return IssuedList(servers, read_ttl(member(document, "ttl", host), host))


TWILIO = Issuer(
    title="Twilio Network Traversal Service",
    request=_request,
    read=_read,
    needs=("account", "api_key"),
    remedy="Check TWILIO_TURN_ACCOUNT_SID (account) and TWILIO_TURN_AUTH_TOKEN (api_key), which "
    "may be an API key as SID:SECRET.",
    default_url="https://api.twilio.com",
    ways=("udp", "tcp"),
)
