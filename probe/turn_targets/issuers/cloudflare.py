"""Cloudflare Realtime TURN: a TURN key and its API token give credentials of limited life.

https://developers.cloudflare.com/realtime/turn/generate-credentials/
"""

from urllib.parse import quote

from probe.turn_targets.issuers.account import TTL_SECONDS, Issuer, IssuerAccount, IssuerRequest
from probe.turn_targets.issuers.ice_servers import IssuedList, member, read_servers


def _request(account: IssuerAccount) -> IssuerRequest:
    key = quote(account.account, safe="")
    return IssuerRequest(
        "POST",
        f"/v1/turn/keys/{key}/credentials/generate-ice-servers",
        headers={"Authorization": f"Bearer {account.key.get_secret_value()}"},
        json={"ttl": TTL_SECONDS},
    )


def _read(document: object, host: str) -> IssuedList:
    # A list, or the one server that the older path "generate" names.
    return IssuedList(read_servers(member(document, "iceServers", host), host), TTL_SECONDS)


CLOUDFLARE = Issuer(
    title="Cloudflare Realtime TURN",
    request=_request,
    read=_read,
    needs=("account", "api_key"),
    remedy="Check CLOUDFLARE_TURN_KEY_ID (account) and CLOUDFLARE_TURN_API_TOKEN (api_key): the "
    "token is shown once, when the TURN key is created.",
    default_url="https://rtc.live.cloudflare.com",
)
