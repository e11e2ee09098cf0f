"""Redis over one short connection, with redis-py; its errors become causes here.

Commands cost: Upstash sells them by the piece. A connection sends AUTH where there is a
password, SELECT where there is a database other than 0, and nothing else by itself.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MaxConnectionsError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.resolver import resolve
from probe.net.tls import last_change
from probe.stores.dsn import StoreAddress
from probe.stores.errors import closed, translate_socket, wrong_protocol

CLOSE_SECONDS = 1.0
# What Redis and Upstash say when a limit is reached.
_LIMITS = ("max number of clients", "limit exceeded", "quota", "OOM command not allowed")


@dataclass(frozen=True, slots=True)
class Info:
    """What INFO says; None where the server leaves it out. Sizes are bytes."""

    used: float | None
    limit: float | None
    clients: float | None
    evicted: float | None
    keys: float | None
    commands: float | None
    version: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Info":
        """From redis-py's reading of the answer."""
        databases = [each for name, each in fields.items() if name.startswith("db")]
        keys = [each["keys"] for each in databases if isinstance(each, dict) and "keys" in each]
        return cls(
            used=_number(fields, "used_memory"),
            limit=_number(fields, "maxmemory"),
            clients=_number(fields, "connected_clients"),
            evicted=_number(fields, "evicted_keys"),
            # An empty server names no database at all.
            keys=float(sum(keys)) if keys or "used_memory" in fields else None,
            commands=_number(fields, "total_commands_processed"),
            version=str(fields.get("redis_version", "")),
        )


@asynccontextmanager
async def connected(
    address: StoreAddress, context: Context, ca_file: Path | None
) -> AsyncIterator["Redis"]:
    """A client whose one connection stands; closed at the end whatever happens.

    Raises CheckFailed and NotMeasured in place of everything that redis-py raises.
    """
    await resolve(address.host, address.port)
    last_change(ca_file)
    client = _client(address, ca_file)
    try:
        try:
            await client.initialize()
            yield client
        finally:
            closing = client.aclose(close_connection_pool=True)
            await context.closing.close(closing, timeout=CLOSE_SECONDS)
    except (RedisError, OSError, ValueError) as error:
        raise translate(error, address) from None


async def info(client: "Redis") -> Info:
    """Everything that the server says of itself."""
    return Info.of(await client.info())


def _client(address: StoreAddress, ca_file: Path | None) -> "Redis":
    return Redis(
        host=address.host,
        port=address.port,
        username=address.user or None,
        password=address.password or None,
        db=int(address.path or 0),
        ssl=address.scheme == "rediss",
        ssl_ca_certs=str(ca_file) if ca_file else None,
        protocol=2,
        driver_info=None,
        single_connection_client=True,
        # The check is the only one to look again, and says that it had to.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,
        socket_connect_timeout=None,
        decode_responses=True,
    )


def translate(error: Exception, address: StoreAddress) -> CheckAborted:
    """The one place where an exception of redis-py becomes a cause."""
    host = f"{address.host}:{address.port}"
    for found in (error, error.__cause__, error.__context__):
        if isinstance(found, OSError) and not isinstance(found, RedisError):
            return translate_socket(found, host)
        if isinstance(found, ssl.SSLError):
            return translate_socket(found, host)
    text = str(error)
    if isinstance(error, MaxConnectionsError) or any(words in text for words in _LIMITS):
        return CheckFailed(Cause.QUOTA_EXCEEDED, f"{host} has reached a limit of its own")
    if isinstance(error, AuthenticationError) or text.startswith(("WRONGPASS", "NOAUTH")):
        return NotMeasured(Cause.AUTH_REJECTED, f"{host} refuses the user or its password")
    if isinstance(error, NoPermissionError):
        return NotMeasured(Cause.AUTH_REJECTED, f"the user may not ask that of {host}")
    if isinstance(error, BusyLoadingError):
        return CheckFailed(Cause.SERVICE_DOWN, f"{host} is loading its data")
    if isinstance(error, ResponseError):
        return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} answers with an error")
    if "closed by server" in text:
        return closed(host)
    return wrong_protocol(host, "Redis")


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) else None
