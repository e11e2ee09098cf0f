"""What a TURN server's error codes mean: the one place where they become causes."""

import ipaddress

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.address.ranges import IPAddress, is_unreachable
from probe.stun.codec import Method
from probe.stun.credentials import expiry_of

# Our own text instead of the server's: untrusted text has no place in a report.
REASONS = {
    300: "Try Alternate",
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    443: "Peer Address Family Mismatch",
    486: "Allocation Quota Reached",
    500: "Server Error",
    508: "Insufficient Capacity",
}

_CAUSES = {
    401: Cause.AUTH_REJECTED,
    437: Cause.ALLOCATION_LOST,
    438: Cause.STALE_NONCE,
    441: Cause.AUTH_REJECTED,
    486: Cause.ALLOCATION_QUOTA,
    508: Cause.ALLOCATION_CAPACITY,
}
OF_AN_ANSWER = frozenset(_CAUSES.values()) - {Cause.STALE_NONCE} | {
    Cause.ALLOCATION_REFUSED,
    Cause.CREDENTIALS_EXPIRED,
    Cause.PEER_FORBIDDEN,
}
"""Causes that an error answer has, but for a stale nonce, which is renewed."""
_SECRET_HINT = (
    "The server refuses credentials that were made from the shared secret: compare "
    "TURN_SHARED_SECRET with its own (coturn: use-auth-secret, static-auth-secret), and its clock "
    "and realm."
)
_BAD_REQUEST_HINT = (
    "Servers built on pion/turn answer a wrong password with 400: check user name, password or "
    "secret on both sides."
)
_HINTS = {
    438: "The server refuses every nonce it gives. Behind a UDP load balancer each packet may "
    "reach another server: turn on session affinity (source IP stickiness); else compare clocks.",
    442: "The server does not relay over UDP: remove no-udp-relay (coturn).",
    486: "The quota of this user is full: allocations of clients that are gone count for up to "
    "ten minutes. Raise user-quota or total-quota (coturn), and check whose allocations they are.",
}
_TO_A_PEER = (Method.CREATE_PERMISSION, Method.CHANNEL_BIND)


def error_from_code(
    code: int | None,
    method: Method,
    *,
    username: str,
    now: float,
    peer: str = "",
    signed: bool = True,
) -> CheckFailed:
    """The failure behind an error answer; ``signed`` says whether the request was.

    ``username`` may carry its own expiry; ``now`` is in seconds since 1970.
    """
    reason = f"{code} {REASONS.get(code or 0, '')}".strip()
    # 400 is what pion's servers say to credentials that they don't accept.
    is_bad_login = code in (401, 441) or (code == 400 and method == Method.ALLOCATE and signed)
    if is_bad_login and _has_expired(username, now):
        ago = now - (expiry_of(username) or now)
        message = f"the credentials expired {ago:.0f} s ago; {method.title} failed: {reason}"
        return CheckFailed(Cause.CREDENTIALS_EXPIRED, message)
    if code in (401, 403) and method in _TO_A_PEER:
        # 401 is what some servers say to a peer that they deny: the login was accepted before.
        return CheckFailed(Cause.PEER_FORBIDDEN, f"the server refuses to relay to {peer}: {reason}")
    message = f"{method.title} failed: {reason}"
    if is_bad_login and expiry_of(username) is not None:
        return CheckFailed(Cause.AUTH_REJECTED, message, hint=_SECRET_HINT)
    if is_bad_login and code == 400:
        return CheckFailed(Cause.AUTH_REJECTED, message, hint=_BAD_REQUEST_HINT)
    cause = _CAUSES.get(code or 0, Cause.ALLOCATION_REFUSED)
    return CheckFailed(cause, message, hint=_HINTS.get(code or 0))


def check_relayed_address(relayed: str, server: str) -> None:
    """Raise CheckFailed(relay_address_unusable) for an address that browsers can't reach.

    A private one is fine for a server that has a private address itself.
    """
    ip = _ip(relayed)
    if is_unreachable(relayed):
        scope = "reserved"
    elif ip.is_global or not _ip(server).is_global:
        return
    else:
        scope = "loopback" if ip.is_loopback else "private"
    raise CheckFailed(Cause.RELAY_ADDRESS_UNUSABLE, f"the relayed address {relayed} is {scope}")


def _ip(text: str) -> IPAddress:
    return ipaddress.ip_address(text.partition("%")[0])


def _has_expired(username: str, now: float) -> bool:
    expiry = expiry_of(username)
    return expiry is not None and expiry < now
