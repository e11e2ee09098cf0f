"""PostgreSQL over one short connection; what goes wrong becomes a cause here.

SQLSTATE codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.resolver import Address, resolve
from probe.net.tls import client_context, last_change
from probe.stores.bounded_stream import BoundedStream, connect_socket
from probe.stores.dsn import StoreAddress
from probe.stores.errors import closed, translate_socket, wrong_protocol
from probe.stores.postgres_protocol import PostgresSession, ServerError

_NAME = "probe"
_SSL_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 47))
# With or without TLS, in this order; the second where the first is refused (libpq's sslmode).
_ATTEMPTS = {"disable": (False,), "allow": (False, True), "prefer": (True, False)}
# No line of pg_hba.conf for it: with or without TLS may make the difference.
_NOT_LET_IN = "28000"
_NO_TLS = "Take ?sslmode=require out of the address, or switch TLS on at the server."
_SPENT = "A plan's compute hours or storage are used up: see the provider's page."


@asynccontextmanager
async def connected(address: StoreAddress, ca_file: Path | None) -> AsyncIterator[PostgresSession]:
    """One session, closed at the end whatever happens.

    Raises CheckFailed and NotMeasured in place of everything else.
    """
    addresses = await resolve(address.host, address.port)
    try:
        session = await _session(address, addresses, ca_file)
        try:
            yield session
        except BaseException:
            session.stream.close()
            raise
        await session.terminate()
    except (ServerError, OSError, UnicodeError) as error:
        raise translate(error, address) from None


async def _session(
    address: StoreAddress, addresses: list[Address], ca_file: Path | None
) -> PostgresSession:
    mode = address.options.get("sslmode", "prefer")
    attempts = _ATTEMPTS.get(mode, (True,))
    for encrypted in attempts[:-1]:
        try:
            return await _attempt(address, addresses, ca_file, encrypted)
        except ServerError as error:
            if error.sqlstate != _NOT_LET_IN:
                raise
        except ssl.SSLError:
            continue
    return await _attempt(address, addresses, ca_file, attempts[-1])


async def _attempt(
    address: StoreAddress, addresses: list[Address], ca_file: Path | None, encrypted: bool
) -> PostgresSession:
    connection = await connect_socket(addresses)
    host = f"{address.host}:{address.port}"
    try:
        tls = await _tls(connection, address, ca_file) if encrypted else None
    except BaseException:
        connection.close()
        raise
    stream = await BoundedStream.over(connection, host, tls=tls, server_name=address.host)
    session = PostgresSession(stream)
    try:
        await session.start(address, _NAME)
    except BaseException:
        stream.close()
        raise
    return session


async def _tls(
    connection: socket.socket, address: StoreAddress, ca_file: Path | None
) -> ssl.SSLContext | None:
    """Ask for TLS; its context, or None where the server has none and need not have.

    One byte is read and no more: what an attacker adds in the clear must not count as said
    within TLS (CVE-2021-23222).
    """
    loop, host = asyncio.get_running_loop(), f"{address.host}:{address.port}"
    await loop.sock_sendall(connection, _SSL_REQUEST)
    mode = address.options.get("sslmode", "prefer")
    match await loop.sock_recv(connection, 1):
        case b"S":
            return tls_for(mode, ca_file)
        case b"N" if mode in _ATTEMPTS:
            return None
        case b"N":
            message = f"{host} does not offer TLS, which the address asks for"
            raise CheckFailed(Cause.TLS_FAILED, message, hint=_NO_TLS)
        case b"":
            raise closed(host)
        case _:
            raise wrong_protocol(host, "PostgreSQL")


def tls_for(mode: str, ca_file: Path | None) -> ssl.SSLContext:
    """The context for an ``sslmode`` (libpq's words).

    ``require`` encrypts and trusts any certificate; ``verify-ca`` wants one of a known
    authority, ``verify-full`` wants it to be for that host.
    """
    if mode == "verify-full":
        return client_context(ca_file, browser=False)
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
    """The one place where an error of the session or its socket becomes a cause."""
    host = f"{address.host}:{address.port}"
    if isinstance(error, ServerError):
        return _refused(error, host)
    if isinstance(error, OSError):
        return translate_socket(error, host)
    return wrong_protocol(host, "PostgreSQL")


def _refused(error: ServerError, host: str) -> CheckAborted:
    state = error.sqlstate
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
    if "quota" in error.text:
        return CheckFailed(Cause.QUOTA_EXCEEDED, f"{host} has no quota left", hint=_SPENT)
    if state.startswith("42501"):
        return NotMeasured(Cause.AUTH_REJECTED, f"the user may not ask that of {host}")
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} answers with SQLSTATE {state}")
