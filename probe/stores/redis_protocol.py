"""RESP2, as far as one connection with PING and INFO needs it.

https://redis.io/docs/latest/develop/reference/protocol-spec/. Why no library:
bounded_stream.py. Commands cost: Upstash sells them by the piece. A connection sends AUTH where
there is a password, SELECT where there is a database other than 0, and nothing else by itself.
"""

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stores.bounded_stream import BoundedStream
from probe.stores.dsn import StoreAddress
from probe.stores.errors import safe_server_text, wrong_protocol

# INFO takes 6 KB, and some for each database and each kind of error.
MAX_REPLY = 192 << 10
_MAX_DIGITS = 10


class ReplyError(Exception):
    """An error reply: its text, which begins with a code in capitals."""

    def __init__(self, text: str) -> None:
        super().__init__(text.partition(" ")[0][:32])
        self.text = text

    def safe_text(self, password: str = "") -> str:
        """What it says, behind a message; ``password`` is not shown."""
        return safe_server_text(self.text, password)


class RedisSession:
    """One session over a stream."""

    def __init__(self, stream: BoundedStream) -> None:
        self.stream = stream

    async def start(self, address: StoreAddress) -> None:
        """Log in and choose the database. Raises ReplyError and CheckFailed."""
        if address.password:
            await self._authenticate(address.user, address.password)
        if int(address.path or 0):
            await self.command("SELECT", address.path)

    async def command(self, *arguments: str) -> str:
        """The reply to a command: a string, or a number as text.

        Raises ReplyError, and CheckFailed: connection_closed, flooded, protocol_error.
        """
        parts = [word.encode() for word in arguments]
        data = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        await self.stream.send(b"*%d\r\n%s" % (len(parts), data))
        line = await self.stream.read_line()
        text = line[1:].decode("utf-8", "replace")
        match line[:1]:
            case b"+" | b":":
                return text
            case b"-":
                raise ReplyError(text)
            case b"$":
                return await self._bulk(text)
            case _:
                raise wrong_protocol(self.stream.host, "Redis")

    async def _authenticate(self, user: str, password: str) -> None:
        if not user:
            await self.command("AUTH", password)
            return
        try:
            await self.command("AUTH", user, password)
        except ReplyError as error:
            # Before Redis 6 there are no users.
            if "wrong number of arguments" not in error.text:
                raise
            await self.command("AUTH", password)

    async def _bulk(self, length: str) -> str:
        if length == "-1":
            return ""
        if not (length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS):
            raise wrong_protocol(self.stream.host, "Redis")
        if int(length) > MAX_REPLY:
            message = f"{self.stream.host} announces a reply of {length} bytes"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        body = await self.stream.read(int(length) + 2)
        if not body.endswith(b"\r\n"):
            raise wrong_protocol(self.stream.host, "Redis")
        return body[:-2].decode("utf-8", "replace")
