"""PostgreSQL over one short connection; what goes wrong becomes a cause here.

The address means what libpq takes it for, and what node-pg adds to that (``sslmode=no-verify``).
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.resolver import Address, resolve
from probe.net.tls.contexts import client_context, last_change
from probe.stores.bounded_stream import BoundedStream, connect_socket
from probe.stores.dsn import StoreAddress
from probe.stores.errors import closed, translate_socket, wrong_protocol
from probe.stores.postgres_errors import NOT_LET_IN, refusal
from probe.stores.postgres_protocol import PostgresSession, ServerError

_NAME = "probe"
_SYSTEM = "system"
_SSL_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 47))
# With or without TLS, in this order; the second where the first is refused (libpq's sslmode).
_ATTEMPTS = {"disable": (False,), "allow": (False, True), "prefer": (True, False)}
_NO_TLS = "Take ?sslmode=require out of the address, or switch TLS on at the server."
_NO_PROCESS = "Its processes or its memory may be used up: look at the server's log."


@asynccontextmanager
async def connected(address: StoreAddress, ca_file: Path | None) -> AsyncIterator[PostgresSession]:
    """One session, closed at the end whatever happens.

    Raises CheckFailed and NotMeasured in place of everything else.
    """
    addresses = await resolve(address.host, address.port)
    ca_file = root_certificate(address) or ca_file
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
            if error.sqlstate != NOT_LET_IN:
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
            return tls_for(_strictness(address), ca_file)
        case b"N" if mode in _ATTEMPTS:
            return None
        case b"N":
            message = f"{host} does not offer TLS, which the address asks for"
            raise CheckFailed(Cause.TLS_FAILED, message, hint=_NO_TLS)
        case b"":
            raise closed(host)
        case b"E":
            message = f"{host} answers the request for TLS with an error"
            raise CheckFailed(Cause.SERVICE_DOWN, message, hint=_NO_PROCESS)
        case _:
            raise wrong_protocol(host, "PostgreSQL")


def root_certificate(address: StoreAddress) -> Path | None:
    """The file that ``sslrootcert`` names; ``system`` names none."""
    named = address.options.get("sslrootcert", "")
    return Path(named) if named not in ("", _SYSTEM) else None


def _strictness(address: StoreAddress) -> str:
    """The ``sslmode`` with what ``sslrootcert`` makes of it: ``require`` with a file verifies,
    and the system's authorities are for ``verify-full`` alone."""
    mode, named = address.options.get("sslmode", "prefer"), address.options.get("sslrootcert")
    if named == _SYSTEM:
        return "verify-full"
    return "verify-ca" if named and mode == "require" else mode


def tls_for(mode: str, ca_file: Path | None) -> ssl.SSLContext:
    """The context for an ``sslmode`` (libpq's words).

    ``require`` (node-pg: ``no-verify``) encrypts and trusts any certificate; ``verify-ca`` wants
    one of a known authority, ``verify-full`` wants it to be for that host.
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
        return refusal(error, host, address.password)
    if isinstance(error, OSError):
        return translate_socket(error, host)
    return wrong_protocol(host, "PostgreSQL")
