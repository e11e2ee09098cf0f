"""A page that its server writes in small pieces is a page, as browsers have it."""

import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.http_helpers import ending, look_at, values
from tests.servers.pages import says

pytestmark = pytest.mark.usefixtures("leaks")

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunks(size: int, count: int, extension: bytes = b"") -> bytes:
    chunk = b"%x%b\r\n%b\r\n" % (size, extension, b"a" * size)
    return HEAD + chunk * count + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("size", "count"), [(1, 20_000), (5, 60_000), (20, 50_000)], ids=["letters", "words", "lines"]
)
async def test_a_page_written_piece_by_piece_is_read(size: int, count: int) -> None:
    result = await look_at(says(chunks(size, count)), contains="aaa")
    assert (result.status, result.failure) == (Status.OK, None)
    assert values(result)["probe_http_uncompressed_body_length"] == size * count


async def test_extensions_that_outweigh_their_content_are_a_flood() -> None:
    result = await look_at(says(chunks(5, 1000, b";" + b"x" * 1000)))
    assert ending(result) == ("transfer", Cause.FLOODED)
