"""The probe sends back the cookies that Chromium sends back."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from yarl import URL

from probe.net.cookies.cookies import Cookies
from probe.net.protocol.exchange import HttpResponse
from probe.net.protocol.head import parse_head
from probe.net.protocol.stream import Stream
from tests.browser.http.cookie_rows import ODD_COOKIES, OddCookie
from tests.browser.http.tls_servers import certificate
from tests.servers.chromium import Chromium, Tab
from tests.servers.pages import Pages

PAGE = Path(__file__).parents[3] / "docs" / "browser.md"
HEADER = "| Set-Cookie | Chromium and the probe |"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def redirect(cookie: OddCookie) -> bytes:
    """The answer that sets it."""
    lines = "".join(f"Set-Cookie: {line}\r\n" for line in cookie.lines)
    head = f"HTTP/1.1 302 Found\r\nLocation: {cookie.check}\r\n{lines}"
    return f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")


@asynccontextmanager
async def serving(cookie: OddCookie, folder: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """The address at which it is set, and the Cookie headers with which the next is asked."""
    tls = None
    if cookie.secure:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate(folder, "p-256"))
    seen: list[str] = []

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = pages.heads[-1].split("\r\n")
        path = first.split(" ")[1]
        if path == cookie.check:
            named = (line.partition(": ") for line in lines)
            seen.append("".join(value for name, _, value in named if name.lower() == "cookie"))
        writer.write(redirect(cookie) if path == cookie.start else _ANSWER)
        await writer.drain()

    async with Pages(behave, tls=tls) as pages:
        yield f"{pages.url}{cookie.start}", seen


async def of_chromium(cookie: OddCookie, tab: Tab, folder: Path) -> str:
    async with serving(cookie, folder) as (url, seen):
        await tab.call("Page.navigate", url=url)
        async with asyncio.timeout(30):
            while not seen:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await tab.call("Network.clearBrowserCookies")
        return seen[0]


@pytest.mark.proof
@pytest.mark.parts
async def test_chromium_sends_each_back_as_it_is_written_down(tmp_path: Path) -> None:
    differ = []
    async with Chromium(tmp_path, "--ignore-certificate-errors") as chromium:
        tab = await chromium.tab()
        for cookie in ODD_COOKIES:
            found = await of_chromium(cookie, tab, tmp_path)
            if found != cookie.sent:
                differ.append((cookie.shown, found[:80]))
    assert differ == []


@pytest.mark.parametrize("cookie", ODD_COOKIES, ids=lambda each: each.shown[:60])
def test_the_probe_sends_each_back_as_it_is_written_down(cookie: OddCookie) -> None:
    jar, site = Cookies(), URL(f"http{'s' * cookie.secure}://127.0.0.1:8000")
    head = parse_head(redirect(cookie).removesuffix(b"\r\n\r\n"))
    jar.keep(HttpResponse(cast(Stream, None), head), site.with_path(cookie.start))
    assert jar.header_for(site.with_path(cookie.check)) == cookie.sent


def test_the_page_has_a_row_for_each() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEADER) + 2
    assert lines[start : start + len(ODD_COOKIES)] == [row(each) for each in ODD_COOKIES]


def row(cookie: OddCookie) -> str:
    """The line of the table in docs/browser.md."""
    return f"| {cookie.shown} | {'sent back' if cookie.sent else 'not sent back'} |"
