"""The pages in a real browser: readable on a phone, in the dark, by keyboard, alone."""

from collections.abc import AsyncIterator, Callable

import pytest
from msgspec.structs import replace

from probe.report.board import StatusBoard
from probe.report.html import page
from tests.report import board_samples as boards
from tests.report.html.axe import violations
from tests.report.html.documents import DOCUMENTS
from tests.report.html.site import serving
from tests.report.html.status_extremes import hostile_board, many_board
from tests.servers.chromium import Tab


def long_named() -> StatusBoard:
    """A board whose services have titles as long as names may be."""
    board, title = boards.backend_down(), "A page with a very long name of sixty-three characters"
    return replace(board, services=tuple(replace(each, title=title) for each in board.services))


PAGES: dict[str, Callable[[], tuple[str, str]]] = {
    **DOCUMENTS,
    "long-named": lambda: page.render(long_named()),
    "many": lambda: page.render(many_board(40)),
    "hostile": lambda: page.render(hostile_board("<script>alert(1)</script>" + "Wide" * 500)),
}
PHONE, NARROW, DESKTOP = (390, 844), (360, 640), (1280, 800)
# Two screens of a phone.
TWO_SCREENS = 1690

UNFOLD = "document.querySelectorAll('details').forEach((each) => each.open = true)"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
# Titles of services whose name, state and uptime lie on one another.
OVERLAPPING = """[...document.querySelectorAll('.service')].filter((each) => {
  const boxes = ['h3 a', '.now .sign', '.figure b'].map((name) => each.querySelector(name))
    .filter(Boolean).map((part) => part.getBoundingClientRect());
  return boxes.some((a, i) => boxes.some((b, j) => i < j && a.left < b.right - 1 &&
    b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
}).map((each) => each.textContent)"""
HEIGHT = "document.documentElement.scrollHeight"
FOCUSED = "document.activeElement.tagName + ' ' + (document.activeElement.textContent || '').trim()"
OUTLINED = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """The address of a server with all pages."""
    async with serving(PAGES) as served:
        yield served.address


async def test_nothing_is_complained_of_and_nothing_elsewhere_is_requested(
    tab: Tab, site: str
) -> None:
    for name in PAGES:
        await tab.open(f"{site}/show/{name}")
        assert await tab.evaluate("document.styleSheets[0].cssRules.length > 20")
        assert tab.complaints() == [], name
    asked = [url for url in tab.requested() if not url.startswith("data:")]
    assert all(url.startswith(f"{site}/") for url in asked)
    kinds = {url.removeprefix(site).partition("?")[0] for url in asked}
    assert kinds == {"/page.js", "/events", *(f"/show/{name}" for name in PAGES)}


async def test_a_violation_of_the_policy_would_be_seen(tab: Tab, site: str) -> None:
    await tab.open(f"{site}/show/well")
    await tab.evaluate("document.body.setAttribute('style', 'color:red')")
    await tab.evaluate("fetch('http://localhost:1/').catch(() => null)")
    assert [text for text in tab.complaints() if "Content Security Policy" in text]


async def scrolls_sideways(tab: Tab, address: str, *sizes: tuple[int, int]) -> list[int]:
    """How far a page with everything unfolded is wider than each of these windows."""
    found = []
    for width, height in sizes:
        await tab.screen(width, height)
        await tab.open(address)
        await tab.evaluate(UNFOLD)
        found.append(await tab.evaluate(SIDEWAYS))
    return found


async def test_nothing_is_wider_than_a_narrow_phone(tab: Tab, site: str) -> None:
    for name in ("backend-down", "check", "incident", "hostile"):
        assert max(await scrolls_sideways(tab, f"{site}/show/{name}", NARROW)) <= 0, name


async def test_a_long_name_covers_neither_the_state_nor_the_uptime(tab: Tab, site: str) -> None:
    for width, height in (PHONE, NARROW, DESKTOP):
        await tab.screen(width, height)
        await tab.open(f"{site}/show/long-named")
        assert await tab.evaluate(OVERLAPPING) == [], width


@pytest.mark.proof
async def test_no_page_scrolls_sideways_on_any_screen(tab: Tab, site: str) -> None:
    for name in PAGES:
        address = f"{site}/show/{name}"
        assert max(await scrolls_sideways(tab, address, NARROW, PHONE, DESKTOP)) <= 0, name


async def test_what_is_broken_stands_on_a_phone_s_first_screen(tab: Tab, site: str) -> None:
    await tab.screen(*PHONE)
    await tab.open(f"{site}/show/backend-down")
    for what in ("h1", ".incident h3", ".incident .why", ".incident .try", ".incident > .more"):
        bottom = await tab.evaluate(
            f"document.querySelector({what!r}).getBoundingClientRect().bottom"
        )
        assert 0 < bottom <= PHONE[1], what


async def test_an_outage_of_everything_fits_two_screens_of_a_phone(tab: Tab, site: str) -> None:
    shades = []
    for scheme in ("light", "dark"):
        await tab.screen(*PHONE, scheme=scheme)
        await tab.open(f"{site}/show/frozen")
        assert await tab.evaluate(HEIGHT) <= TWO_SCREENS
        shades.append(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(245, 246, 248)", "rgb(15, 18, 22)"]


async def test_axe_finds_no_violation(tab: Tab, site: str) -> None:
    for name, scheme in (("backend-down", "light"), ("check", "dark")):
        assert await found_by_axe(tab, f"{site}/show/{name}", DESKTOP, scheme) == [], name


@pytest.mark.proof
@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)])
async def test_axe_finds_no_violation_on_any_page(
    tab: Tab, site: str, scheme: str, size: tuple[int, int]
) -> None:
    for name in PAGES:
        assert await found_by_axe(tab, f"{site}/show/{name}", size, scheme) == [], name


async def found_by_axe(tab: Tab, address: str, size: tuple[int, int], scheme: str) -> list[str]:
    """What axe says against a page with everything unfolded."""
    await tab.screen(*size, scheme=scheme)
    await tab.open(address)
    await tab.evaluate(UNFOLD)
    return await violations(tab)


async def test_axe_would_find_a_violation(tab: Tab, site: str) -> None:
    await tab.open(f"{site}/show/well")
    await tab.evaluate("document.documentElement.removeAttribute('lang')")
    assert any(each.startswith("html-has-lang") for each in await violations(tab))


async def test_the_keyboard_reaches_links_and_opens_what_is_folded(tab: Tab, site: str) -> None:
    await tab.screen(*DESKTOP)
    await tab.open(f"{site}/show/backend-down")
    reached = []
    for _ in range(12):
        await tab.press("Tab")
        reached.append(await tab.evaluate(FOCUSED))
        assert await tab.evaluate(OUTLINED) == "solid"
    assert reached[:6] == [
        "A Skip to the content",
        "A probe lax",
        "A Status",
        "A Incidents",
        "A Runbooks",
        "A stop",
    ]
    assert reached[6:9] == ["A The backend is down", "A health", "A signaling"]
    assert "SUMMARY 3 checks affected" in reached


async def test_without_scripts_enter_unfolds_and_the_page_asks_again_by_itself(
    tab: Tab, site: str
) -> None:
    refreshes = "document.querySelectorAll('meta[http-equiv=refresh]').length"
    await tab.open(f"{site}/show/backend-down")
    assert await tab.evaluate(refreshes) == 0
    await tab.scripts(enabled=False)
    await tab.open(f"{site}/show/backend-down")
    assert await tab.evaluate(refreshes) == 1
    for _ in range(20):
        await tab.press("Tab")
        if (await tab.evaluate(FOCUSED)).startswith("SUMMARY 3 checks"):
            break
    await tab.press("Enter")
    assert await tab.evaluate("document.querySelector('.names').getBoundingClientRect().height > 9")
    assert tab.complaints() == []


async def test_times_are_the_reader_s_with_utc_on_hover(tab: Tab, site: str) -> None:
    await tab.call("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    await tab.open(f"{site}/show/backend-down")
    time = "document.querySelector('.incident time')"
    assert await tab.evaluate(f"{time}.textContent") == "08:42"
    assert await tab.evaluate(f"{time}.title") == "03:12 UTC"
    assert await tab.evaluate("document.querySelector('#live time').textContent") == (
        "09:06:00 GMT+5:30"
    )
