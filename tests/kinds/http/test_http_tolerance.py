"""A response is judged as curl, blackbox_exporter and Chromium judge it."""

import asyncio
import gzip
import sys
import zlib

import brotli
import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.http_helpers import ending, failure, look, look_at, values
from tests.servers.pages import Pages, answers, hangs_after, in_turn, repeats, says

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.usefixtures("leaks")

OK = b"HTTP/1.1 200 OK\r\n"
JSON = b'{"status":"ok"}'
GZIPPED = gzip.compress(JSON, mtime=0)
RAW_DEFLATE = zlib.compressobj(wbits=-15)
DEFLATED = RAW_DEFLATE.compress(JSON) + RAW_DEFLATE.flush()


def packed(coding: str, body: bytes) -> bytes:
    return OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


def flushed(bits: int) -> bytes:
    """All of it, flushed by a coder that never wrote its end."""
    coder = zlib.compressobj(wbits=bits)
    return coder.compress(JSON) + coder.flush(zlib.Z_SYNC_FLUSH)


def sized(head: bytes) -> bytes:
    return head + f"Content-Length: {len(JSON)}\r\n\r\n".encode() + JSON


@pytest.mark.parametrize(
    "sent",
    [
        sized(OK + b"Content-Security-Policy: " + b"a" * 9000 + b"\r\n"),
        sized(OK + b"".join(b"X-H%d: %b\r\n" % (n, b"v" * 3000) for n in range(60))),
        sized(OK + b"".join(b"Set-Cookie: c%d=1\r\n" % n for n in range(300))),
        sized(OK + b"Content-Length: 15\r\n"),
        OK + b"Content-Length: 15, 15\r\n\r\n" + JSON,
        OK + b"Content-Length: fifteen\r\n\r\n" + JSON,
        OK + b"Content-Length: -1\r\n\r\n" + JSON,
        OK + b"Content-Length: 15.0\r\n\r\n" + JSON,
        OK
        + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n"
        + JSON
        + b"\r\n0\r\n\r\n",
        sized(OK) + b"more than was promised",
        sized(OK + b"X-A : b\r\n"),
        sized(OK + b"X-Folded: a\r\n b\r\n\tc\r\n"),
        sized(OK + b"a line without a colon\r\n"),
        sized(OK + b"X-Bytes: caf\xe9 \xff\r\n"),
        b"\r\n" + sized(OK),
        sized(b"HTTP/1.1 200\r\n"),
        sized(b"HTTP/1.1 200 \r\n"),
        sized(b"HTTP/1.0 200 OK\r\n"),
        sized(OK).replace(b"\r\n", b"\n"),
        b"HTTP/1.1 200 OK\r\n\r\n" + JSON,
        sized(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK),
        chunked(b"f;name=value\r\n" + JSON + b"\r\n0\r\nX-Trailer: t\r\n\r\n"),
        chunked(b"0005\r\n" + JSON[:5] + b"\r\nA ;x\r\n" + JSON[5:] + b"\r\n0\r\n\r\n"),
        packed("gzip", GZIPPED),
        packed("GZip", GZIPPED + b"what follows"),
        packed("x-gzip", GZIPPED),
        packed("deflate", zlib.compress(JSON)),
        packed("deflate", DEFLATED),
        packed("br", brotli.compress(JSON)),
        packed("gzip, br", brotli.compress(GZIPPED)),
        packed("utf-8", JSON),
        packed("identity", JSON),
        packed("gzip, identity", JSON),
        packed("gzip", GZIPPED[:-8] + b"12345678"),
        packed("br", brotli.compress(JSON) + b"what follows"),
        packed("gzip,", JSON),
        packed("gzip, x-own", JSON),
        packed("zstd", zstd.compress(JSON)),
        packed("zstd", zstd.compress(JSON[:4]) + zstd.compress(JSON[4:])),
        b"http/1.1 200 OK\r\n" + sized(b""),
        b"HTTP/1.10 200 OK\r\n" + sized(b""),
        b"HTTP/1.1 200OK\r\n" + sized(b""),
        b"HTTP/1.1 0200 OK\r\n" + sized(b""),
        b"HTTP/1.1\r\n" + sized(b""),
        b"\xef\xbb\xbf" + sized(OK),
        b"\r\n\r\n" + sized(OK),
        chunked(b"0000000000000000000f\r\n" + JSON + b"\r\n0\r\n\r\n"),
        OK + b"Content-Length: " + b"0" * 30 + b"15\r\n\r\n" + JSON + b"more",
        packed("gzip", GZIPPED[:-8]),
        packed("gzip", GZIPPED[:-9]),
        packed("gzip", flushed(31)),
        packed("deflate", flushed(15)),
        packed("deflate", flushed(-15)),
        packed("br", brotli.compress(JSON)[:-1]),
    ],
)
async def test_what_browsers_take_is_read(sent: bytes) -> None:
    result = await look_at(says(sent), body="health")
    assert (result.status, result.failure) == (Status.OK, None)
    assert values(result)["probe_http_uncompressed_body_length"] == len(JSON)


@pytest.mark.parametrize(
    ("sent", "phase", "cause", "words"),
    [
        (
            OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
            "transfer", Cause.PROTOCOL_ERROR, "200 with several Content-Lengths",
        ),
        (sized(OK + b"X: a\x00b\r\n"), "processing", Cause.PROTOCOL_ERROR, "200 with a NUL byte"),
        (chunked(b"xyz\r\n"), "transfer", Cause.PROTOCOL_ERROR, "'xyz"),
        (chunked(b"3\r\nlonger\r\n0\r\n\r\n"), "transfer", Cause.PROTOCOL_ERROR, "longer"),
        (chunked(b"f\r\n" + JSON), "transfer", Cause.CONNECTION_CLOSED, "last chunk"),
        (packed("gzip", GZIPPED[:-13]), "body", Cause.BODY_INVALID, "JSON"),
        (packed("deflate", zlib.compress(JSON)[:-9]), "body", Cause.BODY_INVALID, "JSON"),
        (b"ICY 200 OK\r\n" + sized(b""), "body", Cause.BODY_INVALID, "JSON"),
        (packed("br", brotli.compress(JSON)[:-2]), "body", Cause.BODY_INVALID, "JSON"),
        (packed("br", b"no brotli at all"), "transfer", Cause.PROTOCOL_ERROR, "not br"),
        (packed("zstd", b"no zstd at all"), "transfer", Cause.PROTOCOL_ERROR, "not zstd"),
        (packed("zstd", zstd.compress(JSON)[:-2]), "body", Cause.BODY_INVALID, "JSON"),
        (chunked(b" f\r\n" + JSON), "transfer", Cause.PROTOCOL_ERROR, "' f'"),
        (chunked(b"f\t\r\n" + JSON), "transfer", Cause.PROTOCOL_ERROR, "where a chunk's size"),
        (
            sized(OK + b"Location: /a\r\nLocation: /b\r\n"),
            "processing", Cause.PROTOCOL_ERROR, "several Locations",
        ),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "processing", Cause.PROTOCOL_ERROR, "status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "processing", Cause.PROTOCOL_ERROR, "status line"),
        (b"12345HTTP/1.1 200 OK\r\n\r\n", "processing", Cause.PROTOCOL_ERROR, "12345HTTP"),
        (b"HTTP/1.1 101 Up\r\n\r\n", "processing", Cause.PROTOCOL_ERROR, "101"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "processing", Cause.PROTOCOL_ERROR, "HTTP/2"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "processing", Cause.PROTOCOL_ERROR, "TLS"),
        (b"220 mail ESMTP\r\n", "processing", Cause.PROTOCOL_ERROR, "220 mail"),
        # Without TLS, browsers take a head that ends with the connection.
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "body", Cause.BODY_INVALID, "empty"),
        (packed("gzip;q=1", GZIPPED), "processing", Cause.PROTOCOL_ERROR, "no list of codings"),
        (chunked(b"f\r\n" + JSON + b" \r\n0\r\n\r\n"), "transfer", Cause.PROTOCOL_ERROR, "longer"),
    ],
)  # fmt: skip
async def test_what_browsers_refuse_fails_with_its_reason(
    sent: bytes, phase: str, cause: Cause, words: str
) -> None:
    result = await look_at(says(sent), body="health")
    assert (result.status, *ending(result)) == (Status.FAILED, phase, cause)
    assert words in failure(result).message


@pytest.mark.parametrize(
    "sent", [chunked(b"not a chunk"), chunked(b"2\r\nokay"), b"SSH-2.0-x", b"\x16\x03\x01"]
)
async def test_garbage_is_a_protocol_error_at_once_on_a_connection_that_stays_open(
    sent: bytes,
) -> None:
    result = await look_at(hangs_after(sent), deadline=30.0)
    assert failure(result).cause is Cause.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1;" + b"x" * 3000 + b"\r\na\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: " + b"y" * 900 + b"\r\n",
        ),
    ],
)
async def test_a_flood_of_what_says_nothing_ends_by_its_budget(start: bytes, again: bytes) -> None:
    result = await look_at(repeats(start, again * 16), deadline=30.0)
    assert failure(result).cause is Cause.FLOODED


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", GZIPPED[:-9]),
        ("deflate", zlib.compress(JSON)[:-5]),
        ("br", brotli.compress(JSON)[:-2]),
        ("zstd", zstd.compress(JSON)[:-2]),
    ],
)
async def test_a_coding_without_its_end_counts_where_the_body_does(
    coding: str, body: bytes
) -> None:
    """A browser shows what is there of a page; of JSON there has to be all."""
    assert (await look_at(says(packed(coding, body)))).status is Status.OK


@pytest.mark.parametrize(
    ("status", "times", "status_of_run"),
    [(302, 1, Status.OK), (303, 3, Status.OK), (307, 4, Status.OK), (308, 1, Status.FAILED)],
)
async def test_a_page_may_redirect_to_itself_for_a_while(
    status: int, times: int, status_of_run: Status
) -> None:
    back = answers(status, b"", Location="/")
    async with Pages(in_turn(*[back] * times, answers(200))) as pages:
        result = await look(pages.url)
    assert result.status is status_of_run


async def test_a_redirect_with_an_empty_address_is_none() -> None:
    result = await look_at(answers(302, b"", Location=""))
    assert ending(result) == ("status", Cause.HTTP_STATUS)


@pytest.mark.parametrize("kept", [1, 2, 3])
async def test_a_visit_keeps_its_cookies_from_hop_to_hop(kept: int) -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = pages.heads[-1]
        seen = [f"c{number}=v" in head for number in range(kept)]
        if all(seen):
            writer.write(sized(OK))
        else:
            number = seen.index(False)
            writer.write(
                b"HTTP/1.1 302 Found\r\nLocation: /\r\n"
                b"Set-Cookie: c%d=v; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n" % number
            )

    async with Pages(behave) as pages:
        result = await look(pages.url)
        again = await look(pages.url)
    assert (result.status, values(result)["probe_http_redirects"]) == (Status.OK, kept)
    # The next visit begins without them.
    assert values(again)["probe_http_redirects"] == kept


async def test_cookies_of_another_path_are_not_sent() -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: /\r\n"
            b"Set-Cookie: seen=1; Path=/elsewhere\r\nContent-Length: 0\r\n\r\n"
        )

    assert ending(await look_at(behave)) == ("redirect", Cause.TOO_MANY_REDIRECTS)


@pytest.mark.parametrize("coding", [None, "gzip", "br"])
async def test_a_long_page_of_which_nothing_is_expected_is_ok(coding: str | None) -> None:
    body = b"<p>hello</p>" * 100_000
    if coding is None:
        behaviour = answers(200, body)
    else:
        data = gzip.compress(body) if coding == "gzip" else brotli.compress(body)
        behaviour = answers(200, data, Content_Encoding=coding)
    result = await look_at(behaviour)
    assert result.status is Status.OK
    assert "probe_http_uncompressed_body_length" not in values(result)


@pytest.mark.parametrize(
    "expected", [{"contains": "hello"}, {"body": "json"}, {"max_body_bytes": 9}]
)
async def test_a_body_that_is_judged_stays_within_its_limit(expected: dict[str, object]) -> None:
    result = await look_at(answers(200, b"<p>hello</p>" * 100_000), **expected)
    assert ending(result) == ("transfer", Cause.BODY_TOO_LARGE)


@pytest.mark.parametrize(
    "body",
    [
        '{"status":"ok"}'.encode("utf-16"),
        '{"status":"ok"}'.encode("utf-32"),
        b'{"status":"ok","uptime":NaN}',
        b'{"status":"ok","uptime":-Infinity}',
    ],
)
async def test_what_no_browser_reads_as_json_is_not_ok(body: bytes) -> None:
    assert ending(await look_at(answers(200, body), body="health")) == ("body", Cause.BODY_INVALID)


@pytest.mark.parametrize(
    ("code", "cause"), [(401, Cause.AUTH_REJECTED), (403, Cause.AUTH_REJECTED)]
)
async def test_credentials_are_blamed_where_some_were_sent(code: int, cause: Cause) -> None:
    async with Pages(answers(code)) as pages:
        refused = await look(pages.url.replace("://", "://someone:password@"))
        bare = await look(pages.url)
    assert failure(refused).cause is cause
    assert failure(bare).cause is Cause.HTTP_STATUS
    assert "password" not in failure(refused).message
