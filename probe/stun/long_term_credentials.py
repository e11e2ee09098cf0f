"""The long-term credential mechanism of STUN (RFC 8489 section 9.2), the client's side."""

from dataclasses import dataclass, field
from typing import Any

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.codec import StunMessage, long_term_key
from probe.stun.credentials import TurnCredentials, missing_credentials

MAX_BYTES = 508
"""Of REALM and NONCE; Chromium goes no further where a server sends longer ones."""


@dataclass
class LongTermAuth:
    """What signs requests: ``key`` is None until the server has sent realm and nonce.

    ``attributes`` are USERNAME, REALM and NONCE.
    """

    key: bytes | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    _credentials: TurnCredentials | None = field(default=None, repr=False)

    def accept_challenge(self, challenge: StunMessage, credentials: TurnCredentials | None) -> None:
        """Take realm and nonce from a 401. Raises NotMeasured without credentials,
        CheckFailed for a challenge that is none."""
        if credentials is None:
            raise missing_credentials()
        realm, nonce = (challenge.attributes.get(name) for name in ("REALM", "NONCE"))
        # An empty nonce is one, as in browsers.
        if not realm or nonce is None:
            raise CheckFailed(Cause.PROTOCOL_ERROR, "the server's 401 lacks realm or nonce")
        for name, value in (("realm", realm), ("nonce", nonce)):
            if len(value) > MAX_BYTES:
                message = f"the server's {name} has {len(value)} bytes: browsers take {MAX_BYTES}"
                raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        self._credentials = credentials
        self._sign_with(realm, nonce)

    def update_nonce(self, answer: StunMessage) -> bool:
        """Take realm and nonce from a 438 (RFC 8489 9.2.4); whether there were both, without
        which browsers do not ask again."""
        realm, nonce = (answer.attributes.get(name) for name in ("REALM", "NONCE"))
        if answer.error_code != 438 or self.key is None or not realm or nonce is None:
            return False
        if max(len(realm), len(nonce)) > MAX_BYTES:
            return False
        self._sign_with(realm, nonce)
        return True

    def redirected(
        self, answer: StunMessage, credentials: TurnCredentials | None
    ) -> "LongTermAuth | None":
        """What signs the first Allocate at the server that a 300 names: browsers go on with realm
        and nonce of the 300, or those that they have; None where there are none yet."""
        realm = answer.attributes.get("REALM") or self.attributes.get("REALM")
        nonce = answer.attributes.get("NONCE") or self.attributes.get("NONCE") or b""
        if not realm or credentials is None or max(len(realm), len(nonce)) > MAX_BYTES:
            return None
        found = LongTermAuth(_credentials=credentials)
        found._sign_with(realm, nonce)
        return found

    def _sign_with(self, realm: bytes, nonce: bytes) -> None:
        if self._credentials is None:
            raise RuntimeError("there was no challenge yet")
        username, password = self._credentials.username, self._credentials.password
        self.key = long_term_key(username, realm, password.get_secret_value())
        self.attributes = {"USERNAME": username, "REALM": realm, "NONCE": nonce}
