"""PostgreSQL's protocol 3.0, as far as one connection with one query needs it.

https://www.postgresql.org/docs/15/protocol-flow.html. Why no library: bounded_stream.py.
"""

import hashlib
import re
import struct
from dataclasses import dataclass, field
from typing import NoReturn

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stores.bounded_stream import BoundedStream
from probe.stores.channel_binding import check_bound, chosen
from probe.stores.dsn import StoreAddress
from probe.stores.errors import wrong_protocol
from probe.stores.scram import ScramClient, ScramError

PROTOCOL = 196608
MAX_MESSAGE = 64 << 10
MAX_OLD_ERROR = 1000
# As libpq has it: what says to be longer is a text of protocol 2.
_MAX_ERROR = 30_000
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">cI")
_COUNT = struct.Struct(">H")
_NULL = 0xFFFFFFFF
_SQLSTATE = re.compile(r"[0-9A-Z]{5}\Z")
_VERSION = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?")


class ServerError(Exception):
    """An ErrorResponse: the server's code and its text, which may be anything.

    ``is_old``: in the form of protocol 2, by which a server says that it can't start a process.
    """

    def __init__(self, sqlstate: str, text: str, *, is_old: bool = False) -> None:
        super().__init__(sqlstate)
        self.sqlstate, self.text, self.is_old = sqlstate, text, is_old


@dataclass
class PostgresSession:
    """One session. Nothing secret is in its repr."""

    stream: BoundedStream = field(repr=False)
    parameters: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """Major and minor, as the server says; empty where it doesn't."""
        found = _VERSION.match(self.parameters.get("server_version", ""))
        return ".".join(part for part in found.groups() if part) if found else ""

    async def query(self, sql: str) -> list[list[str | None]]:
        """The rows of all statements of a simple query, as text.

        Raises ServerError, and CheckFailed: connection_closed, flooded, protocol_error.
        """
        await self._send(b"Q", sql.encode() + b"\0")
        rows: list[list[str | None]] = []
        while True:
            kind, body = await self._receive()
            match kind:
                case b"D":
                    rows.append(self._row(body))
                case b"Z":
                    return rows
                case b"T" | b"C" | b"I":
                    continue
                case _:
                    self.refuse()

    async def terminate(self) -> None:
        """End the session and close the connection."""
        await self._send(b"X", b"")
        self.stream.close()

    def refuse(self) -> NoReturn:
        """Raises CheckFailed(protocol_error): something else answers there."""
        raise wrong_protocol(self.stream.host, "PostgreSQL")

    async def start(self, address: StoreAddress, application: str) -> None:
        """Start up and authenticate. Raises ServerError and CheckFailed."""
        user = address.user or "postgres"
        given = {
            "user": user,
            "database": address.path or user,
            "application_name": address.options.get("application_name") or application,
            "client_encoding": "UTF8",
        }
        # What the server, or a provider's proxy, is to know: Neon's endpoint, a schema.
        if address.options.get("options"):
            given["options"] = address.options["options"]
        parameters = (
            b"".join(f"{name}\0{value}\0".encode() for name, value in given.items()) + b"\0"
        )
        body = _LENGTH.pack(PROTOCOL) + parameters
        await self.stream.send(_LENGTH.pack(len(body) + 4) + body)
        mode = address.options.get("channel_binding", "prefer")
        await self._authenticate(user, address.password, mode)
        while True:
            kind, _ = await self._receive()
            if kind == b"Z":
                return
            if kind != b"K":
                self.refuse()

    async def _authenticate(self, user: str, password: str, binding: str) -> None:
        scram, mechanism = ScramClient(password), None
        while True:
            method, data = await self._challenge()
            match method:
                case 0:
                    check_bound(mechanism, binding, self.stream.host)
                    return
                case 3:
                    check_bound(None, binding, self.stream.host)
                    await self._send(b"p", password.encode() + b"\0")
                case 5 if len(data) == 4:
                    check_bound(None, binding, self.stream.host)
                    await self._send(b"p", _md5(user, password, data) + b"\0")
                case 10:
                    offered = {_text(each) for each in data.split(b"\0")}
                    certificate = self.stream.peer_certificate
                    mechanism = chosen(offered, binding, certificate, self.stream.host)
                    if mechanism is None:
                        raise self._unknown_authentication()
                    scram = ScramClient(password, mechanism)
                    head = mechanism.name.encode() + b"\0" + _LENGTH.pack(len(scram.first))
                    await self._send(b"p", head + scram.first)
                case 11:
                    await self._send(b"p", await self._scram_final(scram, data))
                case 12:
                    self._verify(scram, data)
                case _:
                    raise self._unknown_authentication()

    def _unknown_authentication(self) -> CheckFailed:
        message = f"{self.stream.host} asks for an authentication that is not known"
        return CheckFailed(Cause.PROTOCOL_ERROR, message)

    async def _challenge(self) -> tuple[int, bytes]:
        kind, body = await self._receive()
        if kind != b"R" or len(body) < _LENGTH.size:
            self.refuse()
        return _LENGTH.unpack_from(body)[0], body[_LENGTH.size :]

    async def _scram_final(self, scram: ScramClient, data: bytes) -> bytes:
        try:
            return await scram.final(data)
        except ScramError as error:
            raise self._odd(error) from None

    def _verify(self, scram: ScramClient, data: bytes) -> None:
        try:
            scram.verify(data)
        except ScramError as error:
            raise self._odd(error) from None

    def _odd(self, error: ScramError) -> CheckFailed:
        return CheckFailed(Cause.PROTOCOL_ERROR, f"{self.stream.host} can't be trusted: {error}")

    async def _send(self, kind: bytes, body: bytes) -> None:
        await self.stream.send(kind + _LENGTH.pack(len(body) + 4) + body)

    async def _receive(self) -> tuple[bytes, bytes]:
        """The next message that is neither a notice nor a parameter. Raises ServerError."""
        while True:
            kind, length = _HEAD.unpack(await self.stream.read(_HEAD.size))
            if length < _LENGTH.size or not kind.isalpha():
                self.refuse()
            if kind == b"E" and length > _MAX_ERROR:
                raise await self._old_error(_LENGTH.pack(length))
            if length > MAX_MESSAGE and kind != b"N":
                message = f"{self.stream.host} announces a message of {length} bytes"
                raise CheckFailed(Cause.PROTOCOL_ERROR, message)
            body = await self.stream.read(length - _LENGTH.size)
            match kind:
                case b"E":
                    raise _error(body)
                case b"S":
                    name, _, value = body.partition(b"\0")
                    self.parameters[_text(name)] = _text(value.rstrip(b"\0"))
                case b"N" | b"A" | b"v":
                    continue
                case _:
                    return kind, body

    async def _old_error(self, start: bytes) -> ServerError:
        """A text that ends with a null byte, in the place of length and fields."""
        text = start
        while not text.endswith(b"\0") and len(text) < MAX_OLD_ERROR:
            text += await self.stream.read(1)
        return ServerError("unknown", _text(text.rstrip(b"\0")), is_old=True)

    def _row(self, body: bytes) -> list[str | None]:
        try:
            (count,), at = _COUNT.unpack_from(body), _COUNT.size
            row: list[str | None] = []
            for _ in range(count):
                (length,) = _LENGTH.unpack_from(body, at)
                at += _LENGTH.size
                if length == _NULL:
                    row.append(None)
                    continue
                if at + length > len(body):
                    self.refuse()
                row.append(_text(body[at : at + length]))
                at += length
        except struct.error:
            self.refuse()
        return row


def _error(body: bytes) -> ServerError:
    fields = {part[:1]: _text(part[1:]) for part in body.split(b"\0", 64) if part}
    state = fields.get(b"C", "")
    return ServerError(state if _SQLSTATE.match(state) else "unknown", fields.get(b"M", ""))


def _md5(user: str, password: str, salt: bytes) -> bytes:
    """What the protocol calls MD5 authentication; how strong it is, the server decides."""
    inner = hashlib.md5(f"{password}{user}".encode(), usedforsecurity=False).hexdigest()
    outer = hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()
    return b"md5" + outer.encode()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
