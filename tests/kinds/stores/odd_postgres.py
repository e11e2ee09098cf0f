"""Odd PostgreSQL servers and poolers, and what psql and the probe make of each."""

import asyncio
import base64
import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence

from tests.kinds.stores.odd_server import OK, Handler, OddStore

URL = "postgresql://u:pw@127.0.0.1:{port}/d"
_SSL, _GSS = 80877103, 80877104
_PATIENT = "psql 15 refuses it before authentication; node-pg does not mind, nor do newer libpqs"
_NODE = "libpq does not know it; node-pg, which the backend uses, does"


def message(kind: bytes, body: bytes = b"") -> bytes:
    """One message of the protocol."""
    return kind + struct.pack(">I", len(body) + 4) + body


def error(state: str, text: str) -> bytes:
    """An ErrorResponse."""
    fields = (b"SFATAL", b"VFATAL", b"C" + state.encode(), b"M" + text.encode())
    return message(b"E", b"\0".join((*fields, b"", b"")))


def notice(text: str) -> bytes:
    """A NoticeResponse."""
    return message(b"N", b"SNOTICE\0C00000\0M" + text.encode() + b"\0\0")


def asks(method: int, data: bytes = b"") -> bytes:
    """An authentication request."""
    return message(b"R", struct.pack(">I", method) + data)


LET_IN = asks(0)
VERSION = message(b"S", b"server_version\x0016.4\0")
KEY, READY = message(b"K", b"\0\0\0\1\0\0\0\2"), message(b"Z", b"I")
STARTED = VERSION + KEY + READY
_NUMBERS = (b"3", b"100", b"12345", b"0", b"1", b"1", b"0", b"1")
_COLUMN = struct.pack(">IHIHIH", 0, 0, 23, 4, 0xFFFF, 0)


def _result(values: Sequence[bytes]) -> bytes:
    count = struct.pack(">H", len(values))
    row = count + b"".join(struct.pack(">I", len(each)) + each for each in values)
    described = count + b"".join(b"c\0" + _COLUMN for _ in values)
    return message(b"T", described) + message(b"D", row) + message(b"C", b"SELECT 1\0")


def _answer(question: bytes) -> bytes:
    if b"pg_stat_activity" not in question:
        return _result((b"1",)) + READY
    begun = message(b"C", b"BEGIN\0") + message(b"C", b"SET\0")
    return begun + _result(_NUMBERS) + message(b"C", b"COMMIT\0") + READY


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length - 4)


def postgres(
    start: bytes | Handler = LET_IN + STARTED, *, encryption: bytes = b"N", query: bytes = b""
) -> Callable[[], Handler]:
    """A server that answers the start with ``start`` and requests for TLS with ``encryption``."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (code,) = struct.unpack(">I", (await _read(reader))[:4])
            if code not in (_SSL, _GSS):
                break
            writer.write(encryption if code == _SSL else b"N")
            if encryption != b"N":
                return
        if isinstance(start, bytes):
            writer.write(start)
        else:
            await start(reader, writer)
        while (kind := await reader.readexactly(1)) != b"X":
            body = await _read(reader)
            if kind == b"Q":
                writer.write(query + _answer(body))

    return lambda: handle


def scram(
    *mechanisms: bytes, password: bytes = b"pw", iterations: int = 4096, forged: bool = False
) -> Handler:
    """SCRAM-SHA-256 as a server of this password; ``forged`` does not know it."""

    async def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(asks(10, b"\0".join((*(mechanisms or (b"SCRAM-SHA-256",)), b"", b""))))
        await reader.readexactly(1)
        bare = (await _read(reader)).partition(b",,")[2]
        salt, nonce = b"salt of 16 bytes", bare.partition(b"r=")[2] + b"server"
        first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), iterations)
        writer.write(asks(11, first))
        await reader.readexactly(1)
        final, _, proof = (await _read(reader)).rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
        key = hmac.digest(salted, b"Client Key", "sha256")
        signed = b",".join((bare, first, final))
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        given = base64.b64decode(proof)
        if bytes(a ^ b for a, b in zip(signature, given, strict=True)) != key:
            writer.write(error("28P01", 'password authentication failed for user "u"'))
            return
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        shown = bytes(32) if forged else hmac.digest(server_key, signed, "sha256")
        writer.write(asks(12, b"v=" + base64.b64encode(shown)) + LET_IN + STARTED)

    return start


def _fails(name: str, probe: str, start: bytes | Handler, options: str = "") -> OddStore:
    return OddStore(name, postgres(start), client=False, probe=probe, url=URL + options)


def _refuses(state: str, text: str, probe: str) -> OddStore:
    return _fails(f"{state}: {text}", probe, error(state, text))


def _fine(name: str, start: bytes | Handler = LET_IN + STARTED, options: str = "") -> OddStore:
    return OddStore(name, postgres(start), client=True, probe=OK, url=URL + options)


def _parted(name: str, why: str, start: bytes = LET_IN + STARTED, options: str = "") -> OddStore:
    return OddStore(name, postgres(start), client=False, probe=OK, why=why, url=URL + options)


_SERVICE, _QUOTA, _BROKEN = "service_down", "quota_exceeded", "protocol_error"
_CLOSED, _AUTH, _TLS = "connection_closed", "auth_rejected", "tls_failed"
ODD_POSTGRES: Sequence[OddStore] = (
    _fine("as the protocol says"),
    _fine("no TLS, ?sslmode=allow", options="?sslmode=allow"),
    _fails("no TLS, ?sslmode=require", _TLS, LET_IN + STARTED, "?sslmode=require"),
    _fails("no TLS, ?ssl=true", _TLS, LET_IN + STARTED, "?ssl=true"),
    _fails("no TLS, ?sslmode=verify-full", _TLS, LET_IN + STARTED, "?sslmode=verify-full"),
    _parted("?pgbouncer=true", _NODE, options="?pgbouncer=true"),
    _fine("?options=endpoint%3Dep-x", options="?options=endpoint%3Dep-x"),
    OddStore(
        "user and password in the query",
        postgres(scram()),
        client=True,
        probe=OK,
        url="postgresql://127.0.0.1:{port}/d?user=u&password=pw",
    ),
    OddStore(
        "an error in the place of the answer about TLS",
        postgres(encryption=error("53300", "sorry, too many clients already")),
        client=False,
        probe=_SERVICE,
        url=URL,
    ),
    OddStore(
        "HTTP in the place of the answer about TLS",
        postgres(encryption=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        client=False,
        probe=_BROKEN,
        url=URL,
    ),
    OddStore(
        "the end in the place of the answer about TLS",
        postgres(encryption=b""),
        client=False,
        probe=_CLOSED,
        url=URL,
    ),
    _fine("SCRAM-SHA-256", scram()),
    _fine("SCRAM-SHA-256 next to OAUTHBEARER", scram(b"OAUTHBEARER", b"SCRAM-SHA-256")),
    _fine("SCRAM-SHA-256 with one iteration", scram(iterations=1)),
    _fails("SCRAM-SHA-256, another password", _AUTH, scram(password=b"other")),
    _fails("SCRAM-SHA-256, the server does not know the password", _BROKEN, scram(forged=True)),
    _fails(
        "SCRAM-SHA-256-PLUS offered without TLS",
        _BROKEN,
        scram(b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"),
    ),
    _fails("OAUTHBEARER alone", _BROKEN, asks(10, b"OAUTHBEARER\0\0")),
    _fails("SCRAM-SHA-256, ?channel_binding=require", _TLS, scram(), "?channel_binding=require"),
    _fails("no password, ?channel_binding=require", _TLS, LET_IN, "?channel_binding=require"),
    _fine("a password in the clear", asks(3) + LET_IN + STARTED),
    _fine("MD5", asks(5, b"salt") + LET_IN + STARTED),
    _fails("Kerberos 5", _BROKEN, asks(2)),
    _fails("crypt", _BROKEN, asks(4)),
    _fails("SSPI", _BROKEN, asks(9)),
    _fails("an authentication of the future", _BROKEN, asks(99)),
    _refuses("57P03", "the database system is starting up", _SERVICE),
    _refuses("57P03", "the database system is in recovery mode", _SERVICE),
    _refuses("57P01", "terminating connection due to administrator command", _SERVICE),
    _refuses("53300", "sorry, too many clients already", _QUOTA),
    _refuses("53100", "could not extend file: No space left on device", _QUOTA),
    _refuses("53200", "out of memory", _QUOTA),
    _refuses("58030", "could not read block 0", _SERVICE),
    _refuses("28P01", 'password authentication failed for user "u"', _AUTH),
    _refuses("28000", 'no pg_hba.conf entry for host "192.0.2.1"', _AUTH),
    _refuses("3D000", 'database "d" does not exist', _BROKEN),
    _refuses("08P01", "no more connections allowed (max_client_conn)", _CLOSED),
    _refuses("08P01", "server login has been failing, try again later", _CLOSED),
    _refuses("08P01", "query_wait_timeout", _CLOSED),
    _refuses("XX000", "Tenant or user not found", _BROKEN),
    _refuses("XX000", "Your account or project has exceeded the compute time quota", _QUOTA),
    _fails("an error without a code", _BROKEN, message(b"E", b"\0")),
    _fails(
        "an error of protocol 2",
        _SERVICE,
        b"Ecould not fork new process for connection: Cannot allocate memory\n\0",
    ),
    _fails("an error behind AuthenticationOk", _QUOTA, LET_IN + error("53300", "too many")),
    _fine("notices behind AuthenticationOk", LET_IN + notice("hello") * 3 + STARTED),
    _fine("a notice of 100 kB", LET_IN + notice("x" * 100_000) + STARTED),
    _parted("a notice before authentication", _PATIENT, notice("hello") + LET_IN + STARTED),
    _parted(
        "NegotiateProtocolVersion",
        _PATIENT,
        message(b"v", struct.pack(">II", 196608, 0)) + LET_IN + STARTED,
    ),
    _fine("no BackendKeyData", LET_IN + VERSION + READY),
    _fine("no ParameterStatus", LET_IN + KEY + READY),
    _fine("a notification in the start", LET_IN + message(b"A", b"\0\0\0\1c\0p\0") + STARTED),
    _fails("no authentication at all", _BROKEN, STARTED),
    _fails("COPY in the start", _BROKEN, LET_IN + message(b"G", b"\0\0\0")),
    OddStore(
        "notices before the rows", postgres(query=notice("x")), client=True, probe=OK, url=URL
    ),
)
