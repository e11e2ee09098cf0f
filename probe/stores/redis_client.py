"""Redis over one short connection; what goes wrong becomes a cause here."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.resolver import resolve
from probe.net.tls.contexts import client_context
from probe.stores.bounded_stream import BoundedStream, connect_socket
from probe.stores.dsn import StoreAddress
from probe.stores.errors import translate_socket
from probe.stores.redis_protocol import RedisSession, ReplyError

# Of a server with noeviction that has refused writes, the share of its memory from which on
# it is taken to refuse them still: what was too large for the rest is not in use now.
FULL_RATIO = 0.9
_MAX_NUMBER = 32
# What Redis and Upstash say when a limit is reached.
_LIMITS = (
    "max number of clients",
    "max concurrent connections",
    "limit exceeded",
    "quota",
    "OOM command not allowed",
)
_REFUSED = ("WRONGPASS", "NOAUTH", "ERR invalid password")
# Redis 6 and later, and before.
_NO_PASSWORD = ("ERR AUTH <password>", "ERR Client sent AUTH")
_CLOSED_HINT = (
    "The address says redis://: a server that speaks TLS alone closes such connections. Then "
    "write rediss://."
)
_PROTECTED_HINT = (
    "Redis runs without a password and takes connections from its own machine alone (protected "
    "mode): set a password, or probe it from there."
)
_BY_CODE = {
    "LOADING": (Cause.LOADING, "is loading its data"),
    "BUSY": (Cause.BUSY, "is busy with a script"),
    "MASTERDOWN": (Cause.MASTER_DOWN, "is a replica without its master"),
    "MISCONF": (Cause.MISCONF, "can't save to disk and refuses writes"),
    "READONLY": (Cause.READ_ONLY, "is a read-only replica"),
    "CLUSTERDOWN": (Cause.SERVICE_DOWN, "is part of a cluster that is down"),
}


class Info(Struct, frozen=True):
    """What INFO says; None where the server leaves it out. Sizes are bytes.

    ``refusals`` is how many commands it has refused because memory was full since its start.
    """

    used: float | None
    limit: float | None
    clients: float | None
    evicted: float | None
    keys: float | None
    commands: float | None
    refusals: float
    evicts: bool
    version: str

    @classmethod
    def of(cls, text: str) -> "Info":
        """From the reply to INFO."""
        fields = dict(_fields(text))
        keys = [_keys(value) for name, value in fields.items() if name[:2] == "db"]
        known = [each for each in keys if each is not None]
        return cls(
            used=_number(fields.get("used_memory")),
            limit=_number(fields.get("maxmemory")),
            clients=_number(fields.get("connected_clients")),
            evicted=_number(fields.get("evicted_keys")),
            # An empty server names no database at all.
            keys=sum(known) if known or "used_memory" in fields else None,
            commands=_number(fields.get("total_commands_processed")),
            refusals=_assigned(fields.get("errorstat_OOM", ""), "count") or 0.0,
            evicts=fields.get("maxmemory_policy", "") != "noeviction",
            version=fields.get("redis_version", ""),
        )

    def refuses_writes(self, refusals_before: float | None) -> bool | None:
        """Whether it is full and refuses writes; None where it has no limit to compare with.

        ``refusals_before`` is what ``refusals`` was in the run before, None in the first.
        """
        if self.used is None or not self.limit:
            return None
        if refusals_before is not None and self.refusals > refusals_before:
            return True
        if self.evicts:
            return False
        return self.used >= self.limit * (FULL_RATIO if self.refusals else 1.0)


@asynccontextmanager
async def connected(address: StoreAddress, ca_file: Path | None) -> AsyncIterator[RedisSession]:
    """One session, closed at the end whatever happens.

    Raises CheckFailed and NotMeasured in place of everything else.
    """
    addresses = await resolve(address.host, address.port)
    tls = client_context(ca_file, browser=False) if address.scheme == "rediss" else None
    host = f"{address.host}:{address.port}"
    try:
        connection = await connect_socket(addresses)
        stream = await BoundedStream.over(connection, host, tls=tls, server_name=address.host)
        try:
            session = RedisSession(stream)
            await session.start(address)
            yield session
        finally:
            stream.close()
    except (ReplyError, OSError) as error:
        raise translate(error, address) from None
    except CheckFailed as error:
        if error.cause is Cause.CONNECTION_CLOSED and tls is None:
            error.hint = _CLOSED_HINT
        raise


async def info(session: RedisSession) -> Info:
    """Everything that the server says of itself.

    Raises NotMeasured where it has no INFO, as some proxies and users don't: it has answered a
    PING. Raises ReplyError for what concerns every command.
    """
    try:
        return Info.of(await session.command("INFO"))
    except ReplyError as error:
        if not error.text.startswith("ERR") or any(
            server_text in error.text for server_text in _LIMITS
        ):
            raise
        message = f"{session.stream.host} does not answer INFO{error.safe_text()}"
        raise NotMeasured(Cause.BODY_INVALID, message) from None


def translate(error: ReplyError | OSError, address: StoreAddress) -> CheckAborted:
    """The one place where an error of the session or its socket becomes a cause."""
    host = f"{address.host}:{address.port}"
    if isinstance(error, OSError):
        return translate_socket(error, host)
    text = error.text
    if any(server_text in text for server_text in _LIMITS):
        return CheckFailed(Cause.QUOTA_EXCEEDED, f"{host} has reached a limit of its own")
    if text.startswith(_REFUSED):
        return NotMeasured(Cause.AUTH_REJECTED, f"{host} refuses the user or its password")
    if text.startswith(_NO_PASSWORD):
        message = f"{host} has no password, and the address has one"
        return NotMeasured(Cause.AUTH_REJECTED, message)
    code = text.partition(" ")[0]
    if code == "NOPERM":
        return NotMeasured(Cause.AUTH_REJECTED, f"the user may not query that on {host}")
    if code == "DENIED":
        message = f"{host} is in protected mode"
        return NotMeasured(Cause.AUTH_REJECTED, message, hint=_PROTECTED_HINT)
    if code in _BY_CODE:
        cause, server_text = _BY_CODE[code]
        return CheckFailed(cause, f"{host} {server_text}")
    server_text = error.safe_text(address.password)
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} answers with an error{server_text}")


def _fields(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return [(name, value.strip()) for name, _, value in pairs if not name.startswith("#")]


def _keys(text: str) -> float | None:
    """Of ``keys=2,expires=0,avg_ttl=0``."""
    return _assigned(text, "keys")


def _assigned(text: str, name: str) -> float | None:
    pairs = (part.partition("=") for part in text.split(","))
    return next((_number(value) for key, _, value in pairs if key == name), None)


def _number(text: str | None) -> float | None:
    if text is None or len(text) > _MAX_NUMBER:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
