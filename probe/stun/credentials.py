"""Credentials for TURN: fixed ones, and time-limited ones made from a shared secret."""

import base64
import hashlib
import hmac

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.model import NotMeasured

DEFAULT_TTL = 3600.0

# A leading number counts as a moment from September 2001 until the year 5138, so that a
# user who is called "1001" is none.
_EARLIEST, _LATEST = 1_000_000_000, 99_999_999_999


class TurnCredentials(Struct, frozen=True):
    """A user's name and password for the long-term mechanism (RFC 8489 section 9.2)."""

    username: str
    password: SecretStr


class Static(Struct, frozen=True):
    """Credentials that stay the same."""

    credentials: TurnCredentials

    def at(self, now: float) -> TurnCredentials:
        """The credentials at a moment, in seconds since 1970."""
        return self.credentials


class TimeLimited(Struct, frozen=True):
    """Credentials made anew for each run; ``ttl`` is how many seconds they last."""

    secret: SecretStr
    ttl: float = DEFAULT_TTL

    def at(self, now: float) -> TurnCredentials:
        """The credentials at a moment, in seconds since 1970."""
        return time_limited(self.secret, now, self.ttl)


CredentialSource = Static | TimeLimited


def time_limited(secret: SecretStr, now: float, ttl: float = DEFAULT_TTL) -> TurnCredentials:
    """Credentials as coturn's ``use-auth-secret`` takes them.

    The user is ``<unix expiry>:probe``, the password base64(HMAC-SHA1(secret, user))
    (draft-uberti-behave-turn-rest-00). ``now`` is in seconds since 1970.
    """
    username = f"{int(now + ttl)}:probe"
    digest = hmac.digest(secret.get_secret_value().encode(), username.encode(), hashlib.sha1)
    return TurnCredentials(username, SecretStr(base64.b64encode(digest).decode("ascii")))


def expiry_of(username: str) -> float | None:
    """When a time-limited user name ends, in seconds since 1970; None if it isn't one."""
    stamp = username.partition(":")[0]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return None
    return float(stamp) if _EARLIEST <= int(stamp) <= _LATEST else None


def missing_credentials() -> NotMeasured:
    """The server asks for credentials and none are configured: our lack, not its fault."""
    return NotMeasured(
        Cause.CREDENTIALS_MISSING, "the server asks for credentials and none are configured"
    )


def require_credentials(credentials: TurnCredentials | None, phase: str) -> TurnCredentials:
    """The credentials. Raises NotMeasured without any: whatever a server asks for,
    ``RTCPeerConnection`` throws an InvalidAccessError for a ``turn:`` URL without user name or
    credential (W3C webrtc-pc, "set a configuration"), and which ones users have is not known."""
    if credentials is None:
        message = "browsers take no TURN server without credentials, and none are configured"
        raise NotMeasured(Cause.CREDENTIALS_MISSING, message, phase=phase)
    return credentials
