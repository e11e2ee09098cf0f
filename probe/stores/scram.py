"""SCRAM-SHA-256 and its -PLUS (RFC 5802, RFC 7677), as PostgreSQL speaks them, with bounded
iterations."""

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

from probe.stores.channel_binding import Mechanism
from probe.untrusted.daemon_thread import in_daemon_thread

# PostgreSQL's default is 4,096. So many take 50 ms, which no server should ask for in vain.
MAX_ITERATIONS = 100_000


class ScramError(ValueError):
    """The server does not speak SCRAM as it should; the message says how."""


class ScramClient:
    """One authentication: ``first`` is sent, then ``final`` for the server's first message."""

    def __init__(self, password: str, mechanism: Mechanism | None = None) -> None:
        self._password, self._mechanism = password, mechanism or Mechanism()
        self._bare = f"n=,r={secrets.token_urlsafe(18)}"
        self._server_signature = b""

    @property
    def first(self) -> bytes:
        """client-first-message. PostgreSQL takes the user from the start-up message."""
        return f"{self._mechanism.header}{self._bare}".encode()

    async def final(self, server_first: bytes) -> bytes:
        """client-final-message. Raises ScramError."""
        challenge = _text(server_first)
        fields = _fields(challenge)
        nonce, iterations = fields.get("r", ""), fields.get("i", "")
        if not nonce.startswith(self._bare.partition("r=")[2]) or not iterations.isascii():
            raise ScramError("its nonce does not continue ours")
        if not iterations.isdigit() or len(iterations) > 10 or int(iterations) < 1:
            raise ScramError("it names no number of iterations")
        if int(iterations) > MAX_ITERATIONS:
            most = f"at most {MAX_ITERATIONS:,} are computed"
            raise ScramError(f"it asks for {int(iterations):,} SCRAM iterations, {most}")
        salted = await self._salted(_decoded(fields.get("s", "")), int(iterations))
        bound = self._mechanism.header.encode() + self._mechanism.data
        without_proof = f"c={base64.b64encode(bound).decode()},r={nonce}"
        signed = f"{self._bare},{challenge},{without_proof}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._server_signature = hmac.digest(server_key, signed, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Raises ScramError unless the server has shown that it knows the password, too."""
        given = _decoded(_fields(_text(server_final)).get("v", ""))
        if not hmac.compare_digest(given, self._server_signature):
            raise ScramError("it does not know the password itself")

    async def _salted(self, salt: bytes, iterations: int) -> bytes:
        password = prepared(self._password).encode()
        return await in_daemon_thread(
            lambda: hashlib.pbkdf2_hmac("sha256", password, salt, iterations), name="scram"
        )


def prepared(password: str) -> str:
    """The password as SASLprep has it (RFC 4013); unchanged where that does not allow it."""
    if password.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(each) else each
        for each in password
        if not stringprep.in_table_b1(each)
    )
    normalized = unicodedata.normalize("NFKC", mapped)
    return password if any(map(_is_prohibited, normalized)) or not normalized else normalized


def _is_prohibited(character: str) -> bool:
    return any(
        table(character)
        for table in (
            stringprep.in_table_a1,
            stringprep.in_table_c12,
            stringprep.in_table_c21_c22,
            stringprep.in_table_c3,
            stringprep.in_table_c4,
            stringprep.in_table_c5,
            stringprep.in_table_c6,
            stringprep.in_table_c7,
            stringprep.in_table_c8,
            stringprep.in_table_c9,
        )
    )


def _text(message: bytes) -> str:
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise ScramError("its SCRAM message is not UTF-8") from None


def _fields(message: str) -> dict[str, str]:
    parts = (part.partition("=") for part in message.split(",", 16))
    return {name: value for name, _, value in parts}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ScramError("its SCRAM message is not base64") from None
