"""Metered: ``GET /api/v1/turn/credentials`` with the key in the query.

https://www.metered.ca/docs/turn-rest-api/get-credential
"""

from probe.turn_targets.issuers.account import Issuer, IssuerAccount, IssuerRequest
from probe.turn_targets.issuers.ice_servers import IssuedList, read_servers

PATH = "/api/v1/turn/credentials"


def _request(account: IssuerAccount) -> IssuerRequest:
    return IssuerRequest("GET", PATH, query={"apiKey": account.key.get_secret_value()})


def _read(document: object, host: str) -> IssuedList:
    return IssuedList(read_servers(document, host))


METERED = Issuer(
    title="Metered",
    request=_request,
    read=_read,
    needs=("metered_url", "api_key"),
    remedy="Check METERED_API_KEY (api_key): it is the key of a TURN credential.",
)
