"""Endpoints refuse requests without a token, and with forged ones (RFC 8725); so does signaling."""

from collections.abc import Iterator, Mapping, Sequence

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import NotMeasured
from probe.kinds.security.findings import Findings
from probe.kinds.security.handshake import handshakes
from probe.kinds.security.requests import Pace, get
from probe.kinds.security.settings import SecurityTable
from probe.net.tasks import gather_first_error
from probe.paircam.token_signing import signed, signing_input

DEVICE = "probe-security"
_ABSENT = (404, 405)
_LIFETIME = 300


async def auth(table: SecurityTable, found: Findings, context: Context) -> None:
    """Each endpoint with each of the forgeries; what is accepted issues something to us alone.

    Signaling is asked at the same time: its handshake does not count towards the backend's
    limit.
    """
    forged = tuple(forgeries(table, context.now()))
    of_sockets = Findings(found.record)
    is_there, has_sockets = await gather_first_error(
        _endpoints(table, found, context, forged),
        _sockets(table, of_sockets, context, forged),
    )
    found.wrong += of_sockets.wrong
    if not is_there and not has_sockets:
        names = ", ".join(table.endpoints)
        hint = "Set endpoints to those that need a token."
        raise NotMeasured(Cause.NO_DATA, f"there is no {names}", hint=hint)


Forged = Sequence[tuple[str, Mapping[str, str]]]


async def _endpoints(
    table: SecurityTable, found: Findings, context: Context, forged: Forged
) -> bool:
    """Whether any of the endpoints is there. Raises CheckAborted."""
    absent, pace = 0, Pace()
    for endpoint in table.endpoints:
        method, _, path = endpoint.partition(" ")
        url = table.address.rstrip("/") + "/" + path.strip().lstrip("/")
        for item, headers in forged:
            await pace.turn()
            reply = await get(table, context, url, method=method, headers=headers)
            if reply.status in _ABSENT:
                absent += 1
                break
            place = f"{endpoint}, {item}"
            if 200 <= reply.status < 300:
                evidence = f"{endpoint} answers {reply.status} to a request {item}"
                found.failed(place, Cause.AUTH_NOT_ENFORCED, evidence)
            else:
                found.passed(place, f"refused ({reply.status})")
    return absent < len(table.endpoints)


async def _sockets(table: SecurityTable, found: Findings, context: Context, forged: Forged) -> bool:
    """Whether there is a Socket.IO server to ask. Raises CheckAborted."""
    return bool(table.namespace) and await handshakes(table, found, context, forged)


def forgeries(table: SecurityTable, now: float) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What has to be refused: (in words, headers)."""
    claims = _claims(now, _LIFETIME)
    unsigned = {"alg": "none", "typ": "JWT"}
    yield "without a token", {}
    yield 'with a token of "alg": "none"', _bearer(f"{signing_input(unsigned, claims)}.")
    mixed = {"alg": "nOnE", "typ": "JWT"}
    yield 'with a token of "alg": "nOnE"', _bearer(f"{signing_input(mixed, claims)}.")
    yield "with a token signed by another key", _bearer(signed(claims, b"probe-wrong-key"))
    yield "with a token signed by an empty key", _bearer(signed(claims, b""))
    if table.jwt_secret is not None:
        key = table.jwt_secret.get_secret_value().encode()
        late = _claims(now - 7200, 3600)
        yield "with a token that expired an hour ago", _bearer(signed(late, key))


def _claims(issued: float, lifetime: float) -> Mapping[str, object]:
    """As the backend's own tokens have them."""
    begin = int(issued)
    return {"sub": DEVICE, "deviceId": DEVICE, "iat": begin, "exp": begin + int(lifetime)}


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}
