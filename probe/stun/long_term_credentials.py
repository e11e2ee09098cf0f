"""The long-term credential mechanism of STUN (RFC 8489 section 9.2), the client's side."""

from dataclasses import dataclass, field
from typing import Any

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.codec import StunMessage, long_term_key
from probe.stun.credentials import TurnCredentials, missing_credentials


@dataclass
class LongTermAuth:
    """What signs requests: ``key`` is None until the server has sent realm and nonce.

    ``attributes`` are USERNAME, REALM and NONCE.
    """

    key: bytes | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    def accept_challenge(self, challenge: StunMessage, credentials: TurnCredentials | None) -> None:
        """Take realm and nonce from a 401. Raises NotMeasured without credentials,
        CheckFailed for a challenge that is none."""
        if credentials is None:
            raise missing_credentials()
        realm, nonce = (challenge.attributes.get(name) for name in ("REALM", "NONCE"))
        if not realm or not nonce:
            raise CheckFailed(Cause.PROTOCOL_ERROR, "the server's 401 lacks realm or nonce")
        username, password = credentials.username, credentials.password.get_secret_value()
        self.key = long_term_key(username, realm, password)
        self.attributes = {"USERNAME": username, "REALM": realm, "NONCE": nonce}

    def update_nonce(self, answer: StunMessage) -> bool:
        """Take a fresh nonce from a 438 (RFC 8489 9.2.4); whether there was one to take."""
        if answer.error_code != 438 or "NONCE" not in answer.attributes or self.key is None:
            return False
        self.attributes["NONCE"] = answer.attributes["NONCE"]
        return True
