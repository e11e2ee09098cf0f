"""Who may use the relay: long-term credentials (RFC 8489 section 9.2), static or time-limited."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping

from aioice import stun
from aioice.turn import make_integrity_key
from msgspec import Struct

from probe.lab.turn.message import Refusal, is_signed_with

NONCE_LIFETIME = 3600
"""Seconds until a nonce is stale. RFC 8656 section 5 advises an hour at most."""

# Ten digits last until the year 2286; more than these are no time.
_MAX_DIGITS = 15


class LabLogin(Struct, frozen=True):
    """A user whose request is signed with the right password."""

    username: str
    key: bytes


class LabCredentials:
    """Passwords and nonces.

    ``users`` maps names to passwords. With a ``secret``, a user ``<unix expiry>[:name]``
    has the password base64(HMAC-SHA1(secret, username)) until that moment on ``clock``
    (draft-uberti-behave-turn-rest-00). Both may be given; names in ``users`` win.
    """

    def __init__(
        self,
        realm: str,
        users: Mapping[str, str],
        secret: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._realm, self._users, self._secret, self._clock = realm, users, secret, clock
        self._nonce_key = secrets.token_bytes(16)

    def challenge(self, code: int) -> Refusal:
        """A 401 or 438 with the realm and a new nonce."""
        return Refusal(code, {"REALM": self._realm, "NONCE": self._new_nonce()})

    def check(self, message: stun.Message, packet: bytes) -> LabLogin:
        """The user who signed the request; raises `Refusal` (400, 401, 438)."""
        attributes = message.attributes
        if "MESSAGE-INTEGRITY" not in attributes:
            raise self.challenge(401)
        if not attributes.keys() >= {"USERNAME", "REALM", "NONCE"}:
            raise Refusal(400)
        login = self._login(attributes["USERNAME"])
        if login is None or not is_signed_with(packet, login.key):
            raise self.challenge(401)
        # Last: a wrong password stays a 401, however old the nonce (RFC 8489 section 9.2.4).
        if not self._is_fresh(attributes["NONCE"]):
            raise self.challenge(438)
        return login

    def _login(self, username: str) -> LabLogin | None:
        password = self._users.get(username)
        if password is None:
            password = self._time_limited_password(username)
        if password is None:
            return None
        return LabLogin(username, make_integrity_key(username, self._realm, password))

    def _time_limited_password(self, username: str) -> str | None:
        expiry = username.partition(":")[0]
        if self._secret is None or len(expiry) > _MAX_DIGITS:
            return None
        if not (expiry.isascii() and expiry.isdigit() and int(expiry) > self._clock()):
            return None
        digest = hmac.digest(self._secret.encode(), username.encode(), hashlib.sha1)
        return base64.b64encode(digest).decode("ascii")

    def _new_nonce(self) -> bytes:
        return self._nonce(int(self._clock()) + NONCE_LIFETIME)

    def _nonce(self, expires_at: int) -> bytes:
        stamp = b"%x" % expires_at
        return stamp + b"-" + hmac.digest(self._nonce_key, stamp, "sha256").hex()[:32].encode()

    def _is_fresh(self, nonce: bytes) -> bool:
        """Whether this server made the nonce and it has not ended; no list is kept."""
        try:
            expires_at = int(nonce.partition(b"-")[0][:_MAX_DIGITS], 16)
        except ValueError:
            return False
        # The whole is compared, so a stamp in another spelling is no nonce of ours.
        is_ours = expires_at >= 0 and hmac.compare_digest(nonce, self._nonce(expires_at))
        return is_ours and expires_at > self._clock()
