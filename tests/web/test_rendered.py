"""A page is rendered once for each change, however many ask, and compressed once."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp.test_utils import make_mocked_request

from probe.web.rendered import FreshValue, RenderedPage, RenderedPages, ZippedMetrics

TEXT = "<p>hello</p>" * 1000


async def test_who_asks_at_the_same_time_gets_the_same_rendering() -> None:
    pages, made = RenderedPages(fresh_seconds=60.0), []

    async def make() -> RenderedPage:
        made.append(1)
        await asyncio.sleep(0)
        return RenderedPage.of(TEXT, "text/html")

    found = await asyncio.gather(*(pages.get("/", 1, make) for _ in range(200)))
    assert len(made) == 1
    assert len({id(page) for page in found}) == 1
    await pages.get("/", 2, make)
    assert len(made) == 2


async def test_a_rendering_that_failed_is_tried_again() -> None:
    pages, results = RenderedPages(fresh_seconds=60.0), [ValueError("no"), None]

    async def make() -> RenderedPage:
        if error := results.pop(0):
            raise error
        return RenderedPage.of(TEXT, "text/html")

    with pytest.raises(ValueError, match="no"):
        await pages.get("/", 1, make)
    assert (await pages.get("/", 1, make)).body == TEXT.encode()


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_who_takes_that(accepted: str, zipped: bool) -> None:
    page = RenderedPage.of(TEXT, "text/html", {"X-Own": "1"})
    request = make_mocked_request("GET", "/", headers={"Accept-Encoding": accepted})
    response = page.response(request)
    assert (response.headers.get("Content-Encoding") == "gzip") is zipped
    assert isinstance(response.body, bytes)
    body = gzip.decompress(response.body) if zipped else response.body
    assert body.decode() == TEXT
    assert response.headers["X-Own"] == "1"
    assert response.headers["Vary"] == "Accept-Encoding"


async def test_addresses_that_visitors_make_up_take_no_more_memory() -> None:
    pages = RenderedPages(fresh_seconds=60.0, max_pages=5)

    async def make() -> RenderedPage:
        return RenderedPage.of(TEXT, "text/html")

    for number in range(50):
        await pages.get(number, 1, make)
    assert len(pages) == 5


@pytest.mark.parametrize(
    ("known", "status"),
    [("{}", 304), ('"other", {}', 304), ("*", 304), ('"other"', 200), ("", 200)],
)
def test_who_has_the_newest_page_is_not_sent_it_again(known: str, status: int) -> None:
    page = RenderedPage.of(TEXT, "text/html", revalidates=True)
    request = make_mocked_request("GET", "/", headers={"If-None-Match": known.format(page.etag)})
    response = page.response(request)
    assert response.status == status
    assert response.headers["ETag"] == page.etag
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_page_that_is_always_new_has_no_entity_tag() -> None:
    page = RenderedPage.of(TEXT, "text/html")
    request = make_mocked_request("GET", "/", headers={"If-None-Match": "*"})
    assert page.response(request).status == 200


async def test_a_value_is_made_again_when_it_has_changed_or_failed() -> None:
    made, revision = [], [1]

    async def make() -> int:
        made.append(revision[0])
        if len(made) == 1:
            raise ValueError("no")
        return revision[0]

    value = FreshValue(make, lambda: revision[0], 60.0)
    with pytest.raises(ValueError, match="no"):
        await value.get()
    assert await value.get() == await value.get() == 1
    revision[0] = 2
    assert await value.get() == 2
    assert made == [1, 1, 2]


def family(name: str, lines: int, value: float) -> bytes:
    """One metric with as many lines."""
    head = f"# HELP {name} What it is.\n# TYPE {name} gauge\n"
    return (head + "".join(f'{name}{{check="{n}"}} {value}\n' for n in range(lines))).encode()


@pytest.mark.parametrize("lines", [0, 1, 700, 20_000])
async def test_metrics_are_one_gzip_member_that_holds_the_page(lines: int) -> None:
    page = b"".join(family(f"metric_{number}", lines, 1.0) for number in range(3))
    packed = await ZippedMetrics().compress(page)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert reader.decompress(packed) == page == gzip.decompress(packed)
    assert reader.eof
    assert not reader.unused_data
    if lines > 1:
        assert len(packed) < len(page) / 5


async def test_only_the_metrics_that_changed_are_compressed_again() -> None:
    zipped = ZippedMetrics()
    steady = [family(f"steady_{number}", 1000, 1.0) for number in range(10)]
    for value in range(4):
        page = b"".join([*steady, family("moving", 1000, value)])
        assert gzip.decompress(await zipped.compress(page)) == page
    first = sum(map(len, steady))
    assert zipped.compressed < first + 8 * len(family("moving", 1000, 0.0))
    before = zipped.compressed
    assert gzip.decompress(await zipped.compress(page)) == page
    assert zipped.compressed == before
