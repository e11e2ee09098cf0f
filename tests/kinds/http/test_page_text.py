"""A page's text and its JSON are read as a browser reads them."""

from urllib.parse import quote

import pytest
from aiohttp import web

from probe.core.causes import Cause
from tests.kinds.http_helpers import look_at
from tests.servers.chromium import Tab
from tests.servers.pages import answers

TEXT = "Gr\u00f6\u00dfe"
HTML = f"<title>x</title><p>{TEXT}</p>"
JAPANESE = "\u63a5\u7d9a"
# Content-Type, body, the text that is expected; and whether Chromium shows it.
ROWS: dict[str, tuple[str, bytes, str, bool]] = {
    "UTF-8": ("text/html; charset=utf-8", HTML.encode(), TEXT, True),
    "windows-1252": ("text/html; charset=windows-1252", HTML.encode("cp1252"), TEXT, True),
    "iso-8859-1": ('text/html; charset="ISO-8859-1"', HTML.encode("latin-1"), TEXT, True),
    "latin1 with a euro": (
        "text/html; charset=iso-8859-1",
        b"<p>5 \x80</p>",
        "5 \u20ac",
        True,
    ),
    "UTF-16 with a mark": ("text/html", HTML.encode("utf-16"), TEXT, True),
    "UTF-16 by its charset": ("text/html; charset=utf-16le", HTML.encode("utf-16-le"), TEXT, True),
    "a mark against the charset": (
        "text/html; charset=windows-1252",
        b"\xef\xbb\xbf" + HTML.encode(),
        TEXT,
        True,
    ),
    "Shift_JIS": (
        "text/html; charset=Shift_JIS",
        f"<p>{JAPANESE}</p>".encode("cp932"),
        JAPANESE,
        True,
    ),
    "GBK": ("text/html; charset=gb2312", f"<p>{JAPANESE}</p>".encode("gb18030"), JAPANESE, True),
    "meta charset": (
        "text/html",
        b'<!doctype html><meta charset="koi8-r"><p>' + "\u043c\u0438\u0440".encode("koi8-r"),
        "\u043c\u0438\u0440",
        True,
    ),
    "meta http-equiv": (
        "text/html",
        b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>'
        + "\u043c\u0438\u0440".encode("cp1251"),
        "\u043c\u0438\u0440",
        True,
    ),
    "meta charset of UTF-16": (
        "text/html",
        b"<meta charset=utf-16><p>" + TEXT.encode(),
        TEXT,
        True,
    ),
    "windows-1252 as UTF-8": ("text/html; charset=utf-8", HTML.encode("cp1252"), TEXT, False),
    "UTF-16 that nothing declares": ("text/html", "<p>hello".encode("utf-16-le"), "hello", True),
}


@pytest.mark.parametrize("row", ROWS)
async def test_a_text_is_found_where_a_browser_shows_it(row: str) -> None:
    kind, body, text, is_shown = ROWS[row]
    failure = (await look_at(answers(200, body, Content_Type=kind), contains=text)).failure
    assert (failure.cause if failure else None) is (None if is_shown else Cause.BODY_INVALID)


async def test_chromium_shows_the_same(tab: Tab) -> None:
    async def page(request: web.Request) -> web.Response:
        kind, body, _, _ = ROWS[request.query["row"]]
        return web.Response(body=body, headers={"Content-Type": kind})

    app = web.Application()
    app.add_routes([web.get("/", page)])
    runner = web.AppRunner(app)
    await runner.setup()
    found = {}
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        for row, (_, _, text, _) in ROWS.items():
            await tab.open(f"http://127.0.0.1:{runner.addresses[0][1]}/?row={quote(row)}")
            found[row] = text in await tab.evaluate("document.documentElement.textContent")
    finally:
        await runner.cleanup()
    assert found == {row: is_shown for row, (_, _, _, is_shown) in ROWS.items()}


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"ok","by":"J\xf6rg"}',
        b'{"status":"degraded","status":"ok"}',
        b'{"status":"ok","uptime":' + b"9" * 40 + b"}",
        b'{"status":"ok","x":' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
async def test_what_a_browser_reads_as_json_is_ok(body: bytes) -> None:
    assert (await look_at(answers(200, body), body="health")).failure is None


async def test_a_status_that_is_no_text_to_anyone_is_degraded() -> None:
    failure = (await look_at(answers(200, b'{"status":"\xff"}'), body="health")).failure
    assert failure is not None
    assert failure.cause is Cause.DEGRADED
