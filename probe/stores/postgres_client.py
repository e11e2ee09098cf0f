"""PostgreSQL over one short connection, with asyncpg; its errors become causes here.

SQLSTATE codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

import asyncpg

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.resolver import resolve
from probe.net.tls import client_context, last_change
from probe.stores.dsn import StoreAddress
from probe.stores.errors import closed, translate_socket, wrong_protocol

# Modes that go without TLS where there is none.
Opportunistic = Literal["disable", "allow", "prefer"]

CLOSE_SECONDS = 1.0
_NAME = "probe"
_NO_TLS = "Take ?sslmode=require out of the address, or switch TLS on at the server."
_SPENT = "A plan's compute hours or storage are used up: see the provider's page."


@asynccontextmanager
async def connected(
    address: StoreAddress, context: Context, ca_file: Path | None
) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """One connection, closed at the end whatever happens.

    Raises CheckFailed and NotMeasured in place of everything that asyncpg raises.
    """
    await resolve(address.host, address.port)
    try:
        connection = await _connect(address, ca_file)
        try:
            yield connection
        except BaseException:
            connection.terminate()
            raise
        await context.closing.close(connection.close(timeout=CLOSE_SECONDS), timeout=CLOSE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise translate(error, address) from None


async def _connect(address: StoreAddress, ca_file: Path | None) -> "asyncpg.Connection[Any]":
    # Everything is passed, or asyncpg takes it from PG… variables and files of the user.
    # Names of statements would get in the way of a pooler (PgBouncer, Neon's): no cache.
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user or "postgres",
        password=address.password,
        database=address.path or address.user or "postgres",
        ssl=tls_for(address.options.get("sslmode", "prefer"), ca_file),
        statement_cache_size=0,
        server_settings={"application_name": _NAME},
    )


def tls_for(mode: str, ca_file: Path | None) -> ssl.SSLContext | Opportunistic:
    """What asyncpg takes for an ``sslmode`` (libpq's words).

    ``require`` encrypts and trusts any certificate; ``verify-ca`` wants one of a known
    authority, ``verify-full`` wants it to be for that host.
    """
    if mode in get_args(Opportunistic):
        return cast(Opportunistic, mode)
    if mode == "verify-full":
        return client_context(ca_file)
    return _context(ca_file, last_change(ca_file), verifies=mode == "verify-ca")


@lru_cache(maxsize=4)
def _context(ca_file: Path | None, _changed: int, *, verifies: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if not verifies:
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def translate(error: Exception, address: StoreAddress) -> CheckAborted:
    """The one place where an exception of asyncpg becomes a cause."""
    host = f"{address.host}:{address.port}"
    if isinstance(error, asyncpg.PostgresError):
        return _refused(error, host)
    if isinstance(error, OSError):
        if type(error) is ConnectionError and "SSL" in str(error):
            message = f"{host} does not offer TLS, which the address asks for"
            return CheckFailed(Cause.TLS_FAILED, message, hint=_NO_TLS)
        if type(error) is ConnectionError:
            return closed(host)
        return translate_socket(error, host)
    return wrong_protocol(host, "PostgreSQL")


def _refused(error: asyncpg.PostgresError, host: str) -> CheckAborted:
    state = str(getattr(error, "sqlstate", None) or "unknown")
    if state.startswith("08"):
        return closed(host)
    if state.startswith("28"):
        return NotMeasured(Cause.AUTH_REJECTED, f"{host} refuses the user or its password")
    if state == "3D000":
        return NotMeasured(Cause.PROTOCOL_ERROR, f"{host} has no database of that name")
    if state == "53300":
        return CheckFailed(Cause.QUOTA_EXCEEDED, f"{host} has no connection left")
    if state == "57014":
        return CheckFailed(Cause.DEADLINE, f"{host} took too long over one question")
    if state.startswith("57P"):
        return CheckFailed(Cause.SERVICE_DOWN, f"{host} is starting or shutting down ({state})")
    if "quota" in str(error):
        return CheckFailed(Cause.QUOTA_EXCEEDED, f"{host} has no quota left", hint=_SPENT)
    if state.startswith("42501"):
        return NotMeasured(Cause.AUTH_REJECTED, f"the user may not ask that of {host}")
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} answers with SQLSTATE {state}")
