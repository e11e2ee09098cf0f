"""A TLS server by OpenSSL itself, for what Python's ssl can't send: key updates, session tickets
again and again, renegotiations."""

import asyncio
import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import lru_cache
from pathlib import Path

from tests.hostile.floods import MAX_FLOOD
from tests.hostile.servers import Behaviour, OwnTls

_UPDATE, _UPDATE_REQUESTED = 0, 1
_SET_MAX_VERSION, TLS_1_2 = 124, 0x0303
_PEM = 1
_SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "TLS_server_method": (c_void_p, []),
    "TLS_client_method": (c_void_p, []),
    "SSL_CTX_new": (c_void_p, [c_void_p]),
    "SSL_CTX_free": (None, [c_void_p]),
    "SSL_CTX_ctrl": (c_long, [c_void_p, c_int, c_long, c_void_p]),
    "SSL_CTX_use_certificate_chain_file": (c_int, [c_void_p, c_char_p]),
    "SSL_CTX_use_PrivateKey_file": (c_int, [c_void_p, c_char_p, c_int]),
    "SSL_new": (c_void_p, [c_void_p]),
    "SSL_free": (None, [c_void_p]),
    "SSL_set_accept_state": (None, [c_void_p]),
    "SSL_set_connect_state": (None, [c_void_p]),
    "SSL_set_bio": (None, [c_void_p, c_void_p, c_void_p]),
    "SSL_do_handshake": (c_int, [c_void_p]),
    "SSL_read": (c_int, [c_void_p, c_void_p, c_int]),
    "SSL_write": (c_int, [c_void_p, c_char_p, c_int]),
    "SSL_key_update": (c_int, [c_void_p, c_int]),
    "SSL_new_session_ticket": (c_int, [c_void_p]),
    "SSL_renegotiate": (c_int, [c_void_p]),
    "BIO_s_mem": (c_void_p, []),
    "BIO_new": (c_void_p, [c_void_p]),
    "BIO_read": (c_int, [c_void_p, c_void_p, c_int]),
    "BIO_write": (c_int, [c_void_p, c_char_p, c_int]),
    "BIO_ctrl_pending": (c_size_t, [c_void_p]),
    "ERR_clear_error": (None, []),
}


@lru_cache(maxsize=1)
def _openssl() -> ctypes.CDLL:
    """The library that Python's own ssl has loaded."""
    import _ssl

    library = ctypes.CDLL(_ssl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class NativeTls:
    """One side of a connection: a server with the certificate of ``folder``, else a client."""

    def __init__(self, folder: Path | None, version: int) -> None:
        lib = self._lib = _openssl()
        method = lib.TLS_client_method() if folder is None else lib.TLS_server_method()
        self._context = lib.SSL_CTX_new(method)
        lib.SSL_CTX_ctrl(self._context, _SET_MAX_VERSION, version, None)
        if folder is not None:
            certificate, key = (str(folder / name).encode() for name in ("cert.pem", "key.pem"))
            assert lib.SSL_CTX_use_certificate_chain_file(self._context, certificate) == 1
            assert lib.SSL_CTX_use_PrivateKey_file(self._context, key, _PEM) == 1
        self._ssl = lib.SSL_new(self._context)
        self._in, self._out = (lib.BIO_new(lib.BIO_s_mem()) for _ in range(2))
        lib.SSL_set_bio(self._ssl, self._in, self._out)
        (lib.SSL_set_connect_state if folder is None else lib.SSL_set_accept_state)(self._ssl)

    def close(self) -> None:
        """Free it."""
        self._lib.SSL_free(self._ssl)
        self._lib.SSL_CTX_free(self._context)
        self._lib.ERR_clear_error()

    def pending(self) -> bytes:
        """What is to be sent."""
        buffer = ctypes.create_string_buffer(max(1, self._lib.BIO_ctrl_pending(self._out)))
        length = self._lib.BIO_read(self._out, buffer, len(buffer))
        return buffer.raw[: max(0, length)]

    def take(self, data: bytes) -> bytes:
        """What came, and what it says once it is decrypted."""
        self._lib.BIO_write(self._in, data, len(data))
        buffer = ctypes.create_string_buffer(16384)
        length = self._lib.SSL_read(self._ssl, buffer, len(buffer))
        return buffer.raw[: max(0, length)]

    def write(self, data: bytes) -> None:
        """Encrypt it."""
        self._lib.SSL_write(self._ssl, data, len(data))

    def update_keys(self, *, requested: bool) -> None:
        """A KeyUpdate (RFC 8446, 4.6.3)."""
        self._lib.SSL_key_update(self._ssl, _UPDATE_REQUESTED if requested else _UPDATE)
        self._lib.SSL_do_handshake(self._ssl)

    def ticket(self) -> None:
        """One more NewSessionTicket (RFC 8446, 4.6.1)."""
        self._lib.SSL_new_session_ticket(self._ssl)
        self._lib.SSL_do_handshake(self._ssl)

    def renegotiate(self) -> None:
        """A HelloRequest (RFC 5246, 7.4.1.1); the client may answer it with a new handshake."""
        self._lib.SSL_renegotiate(self._ssl)
        self._lib.SSL_do_handshake(self._ssl)


Step = Callable[[NativeTls], None]


def native(step: Step, first: bytes = b"", version: int = 0) -> OwnTls:
    """Shakes hands and waits for a question; then this again and again, after ``first``.

    Takes the folder of the certificate.
    """

    def of(folder: Path) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tls = NativeTls(folder, version)
            try:
                while not tls.take(await _some(reader)):
                    writer.write(tls.pending())
                if first:
                    tls.write(first)
                await _repeat(tls, step, reader, writer)
            finally:
                tls.close()

        return behave

    return of


async def _repeat(
    tls: NativeTls, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    sent, listening = 0, asyncio.create_task(reader.read(65536))
    try:
        while sent < MAX_FLOOD:
            for _ in range(20):
                step(tls)
            data = tls.pending()
            sent += len(data)
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
            if listening.done():
                answered = listening.result()
                if not answered:
                    return
                tls.take(answered)
                listening = asyncio.create_task(reader.read(65536))
        await listening
    finally:
        listening.cancel()


async def _some(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(65536)
    if not data:
        raise ConnectionResetError
    return data


def _one_byte_then_updates(tls: NativeTls) -> None:
    tls.write(b" ")
    for _ in range(20):
        tls.update_keys(requested=False)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
NATIVE: dict[str, OwnTls] = {
    "key updates": native(lambda tls: tls.update_keys(requested=False)),
    "key updates that want an answer": native(lambda tls: tls.update_keys(requested=True)),
    "key updates in a body": native(_one_byte_then_updates, _HEAD),
    "session tickets": native(lambda tls: tls.ticket()),
    "renegotiations": native(lambda tls: tls.renegotiate(), version=TLS_1_2),
    "records of a byte": native(lambda tls: tls.write(b"a")),
}
