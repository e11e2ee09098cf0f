"""Xirsys: the servers of a channel, which wraps its answers in ``{"s": "ok", "v": …}``.

https://docs.xirsys.com/?pg=api-turn
"""

from urllib.parse import quote

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.turn_targets.issuers.account import TTL_SECONDS, Issuer, IssuerAccount, IssuerRequest
from probe.turn_targets.issuers.ice_servers import IssuedList, member, read_servers
from probe.turn_targets.issuers.twilio import basic
from probe.untrusted.text import excerpt

_UNAUTHORIZED = ("unauthorized", "unauthorised", "not_allowed", "access_denied")


def _request(account: IssuerAccount) -> IssuerRequest:
    return IssuerRequest(
        "PUT",
        f"/_turn/{quote(account.channel, safe='/')}",
        headers={"Authorization": basic(account.account, account.key.get_secret_value())},
        json={"format": "urls", "expire": str(TTL_SECONDS)},
    )


def _read(document: object, host: str) -> IssuedList:
    value = member(document, "v", host)
    # A refusal has the status 200.
    if member(document, "s", host) != "ok":
        reason = excerpt(value) if isinstance(value, str) else "no reason"
        is_login = any(each in reason.lower() for each in _UNAUTHORIZED)
        cause = Cause.AUTH_REJECTED if is_login else Cause.HTTP_STATUS
        hint = XIRSYS.remedy if is_login else None
        raise NotMeasured(cause, f"{host} answers an error: {reason}", hint=hint)
    return IssuedList(read_servers(member(value, "iceServers", host), host), TTL_SECONDS)


XIRSYS = Issuer(
    title="Xirsys",
    request=_request,
    read=_read,
    needs=("account", "channel", "api_key"),
    remedy="Check XIRSYS_IDENT (account), XIRSYS_SECRET (api_key) and XIRSYS_CHANNEL (channel).",
    default_url="https://global.xirsys.net",
)
