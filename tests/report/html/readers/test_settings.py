"""Pages for readers who print, enlarge, choose their colours or read from right to left."""

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest

from probe.report.html import page
from probe.report.html.templates import isolated, verbatim
from tests.report.html.documents import DOCUMENTS
from tests.report.html.site import serving
from tests.report.html.status_extremes import hostile_board, many_board
from tests.servers.chromium import Tab

HEBREW = "הפסקה (TURN) relay-1"
PAGES = {
    **DOCUMENTS,
    "hebrew": lambda: page.render(hostile_board(HEBREW)),
    "long": lambda: page.render(hostile_board("x" * 200)),
    "many": lambda: page.render(many_board(200)),
}
UNFOLD = "document.querySelectorAll('details').forEach((each) => each.open = true)"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
# How far a table is wider than what is shown of it.
HIDDEN = "[...document.querySelectorAll('.wide')].map((e) => e.scrollWidth - e.clientWidth)"
# WCAG 2.2, 1.4.12: text spacing.
SPACED = """(() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;" +
    "word-spacing:.16em!important}p{margin-bottom:2em!important}");
  document.adoptedStyleSheets = [sheet];
})()"""
CUT_OFF = """[...document.querySelectorAll("main *")].filter((each) =>
  getComputedStyle(each).overflowX === "hidden" && each.scrollWidth > each.clientWidth + 1 &&
  !each.closest(".hidden,.stack thead")).map((each) => each.outerHTML.slice(0, 120))"""


def style(selector: str, name: str, pseudo: str = "") -> str:
    """The expression for a computed style of the first element."""
    return (
        f"getComputedStyle(document.querySelector({selector!r}), {pseudo!r} || null)"
        f".getPropertyValue({name!r})"
    )


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """The address of a server with all pages."""
    async with serving(PAGES) as served:
        yield f"{served.address}/show"


async def media(tab: Tab, kind: str = "", **features: str) -> None:
    """What the reader's system asks for: ``prefers_contrast="more"``."""
    wanted = [{"name": name.replace("_", "-"), "value": each} for name, each in features.items()]
    await tab.call("Emulation.setEmulatedMedia", media=kind, features=wanted)


async def test_paper_is_white_for_readers_who_like_it_dark(tab: Tab, site: str) -> None:
    await media(tab, "print", prefers_color_scheme="dark")
    await tab.open(f"{site}/check")
    assert await tab.evaluate(style("body", "color")) == "rgb(25, 29, 35)"
    assert await tab.evaluate(style(".box", "background-color")) == "rgb(255, 255, 255)"
    for what in (".live .how", ".tabs a:not([aria-current])", ".top nav"):
        assert await tab.evaluate(style(what, "display")) == "none", what
    assert await tab.evaluate(style("#live time", "display")) != "none"


async def test_paper_has_its_date_and_the_range_of_its_charts(tab: Tab, site: str) -> None:
    # Both were grey on white without backgrounds, or not there: a browser prints none by default.
    await media(tab, "print")
    await tab.open(f"{site}/check")
    assert "2026-01-01T03:36:00Z" in await tab.evaluate(style("#live time", "content", "::after"))
    assert await tab.evaluate(style(".tabs a[aria-current]", "color")) == "rgb(25, 29, 35)"


@pytest.mark.parametrize(
    ("size", "medium"), [((390, 844), ""), ((640, 400), ""), ((718, 1000), "print")]
)
async def test_no_column_is_out_of_sight_on_a_phone_enlarged_or_on_paper(
    tab: Tab, site: str, size: tuple[int, int], medium: str
) -> None:
    # "overspent 1 h" was all that was seen of "overspent 1 h 20 min of 1 min".
    await tab.screen(*size)
    await media(tab, medium)
    for name in ("check", "service", "incident"):
        await tab.open(f"{site}/{name}")
        assert max(await tab.evaluate(HIDDEN)) <= 0, name
    heading = style(".stack td:last-child", "content", "::before")
    assert await tab.evaluate(heading) == '"To "'


async def test_forced_colours_leave_nothing_that_only_a_background_shows(
    tab: Tab, site: str
) -> None:
    await media(tab, forced_colors="active", prefers_color_scheme="dark")
    await tab.open(f"{site}/backend-down")
    assert await tab.evaluate(style(".dot.critical", "background-color")) == "rgb(240, 82, 77)"
    assert await tab.evaluate(style(".banner", "border-top-style")) == "solid"
    await tab.open(f"{site}/check")
    current = await tab.evaluate(style(".tabs a[aria-current]", "border-top-width"))
    assert current != await tab.evaluate(style(".tabs a:not([aria-current])", "border-top-width"))


@pytest.mark.proof
@pytest.mark.parametrize("size", [(256, 400), (320, 568), (640, 400)])
async def test_enlarged_pages_reflow(tab: Tab, site: str, size: tuple[int, int]) -> None:
    # A window of 1280 by 800 at 500, 400 and 200 % (WCAG 2.2, 1.4.10).
    await tab.screen(*size)
    for name in PAGES:
        await tab.open(f"{site}/{name}")
        await tab.evaluate(UNFOLD)
        assert await tab.evaluate(SIDEWAYS) <= 0, name


@pytest.mark.proof
async def test_enlarged_and_spaced_text_is_not_cut_off(tab: Tab, site: str) -> None:
    for name in PAGES:
        await tab.screen(1280, 800)
        await tab.open(f"{site}/{name}")
        await tab.evaluate(f"{UNFOLD}; document.documentElement.style.fontSize = '200%'")
        assert await tab.evaluate(SIDEWAYS) <= 0, name
        await tab.screen(320, 568)
        await tab.evaluate(f"document.documentElement.style.fontSize = ''; {SPACED}")
        assert await tab.evaluate(SIDEWAYS) <= 0, name
        assert await tab.evaluate(CUT_OFF) == [], name


async def test_text_from_right_to_left_does_not_reorder_its_neighbours(tab: Tab, site: str) -> None:
    # A reader finds a check's name before what is said of it, and the state before both.
    await tab.screen(1280, 800)
    await tab.open(f"{site}/hebrew")
    order = """(() => {
      const line = document.querySelector(".notices li"), ranges = [...line.childNodes]
        .filter((each) => each.textContent.trim())
        .map((each) => { const found = document.createRange(); found.selectNodeContents(each);
                         return found.getBoundingClientRect().left; });
      return ranges.every((left, at) => !at || left >= ranges[at - 1]);
    })()"""
    assert await tab.evaluate(order)
    await tab.evaluate("document.documentElement.dir = 'rtl'")
    assert await tab.evaluate(SIDEWAYS) <= 0
    card = "document.querySelector('.incident')"
    assert await tab.evaluate(f"getComputedStyle({card}).borderRightWidth") == "5px"
    assert await tab.evaluate(style(".legend", "direction")) == "ltr"


def test_only_text_from_right_to_left_is_isolated() -> None:
    assert isolated(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert isolated("شبكة") == "\u2068شبكة\u2069"
    for text in ("", "relay", "Zürich → 東京 ✗ 5 %", "\u0661"):
        assert isolated(text) == text


def test_addresses_and_fields_get_no_marks_of_direction() -> None:
    assert verbatim(f'{HEBREW}"<') == f"{HEBREW}&#34;&lt;"
    shown = page.render(hostile_board(f"https://{HEBREW}/"))[0]
    addresses = re.findall(r'(?:href|src|value)="([^"]*)"', shown)
    assert any(HEBREW in each for each in addresses)
    assert not any("\u2068" in each for each in addresses)


def test_nothing_moves_and_nothing_is_placed_by_left_or_right() -> None:
    sheet = files("probe.report.html").joinpath("page.css").read_text()
    assert not re.findall(r"animation|transition|@keyframes|scroll-behavior", sheet)
    assert not re.findall(
        r"(?:margin|padding|border)-(?:left|right)|text-align:(?:left|right)", sheet
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_and_fields_stand_out_from_what_is_behind_them(scheme: str) -> None:
    # WCAG 2.2, 1.4.11: at least 3 to 1.
    sheet = files("probe.report.html").joinpath("page.css").read_text()
    light, dark = sheet.split("prefers-color-scheme:dark")[:2]
    colours = dict(re.findall(r"--([\w-]+):(#\w+)", {"light": light, "dark": dark}[scheme]))
    marks = [name for name in colours if name.endswith("-fill") or name in ("data", "soft")]
    assert len(marks) >= 7
    for name in marks:
        for behind in ("card", "bg"):
            assert contrast(colours[name], colours[behind]) >= 3, (name, behind)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of ``#rgb`` or ``#rrggbb``."""
    digits = colour.removeprefix("#")
    digits = "".join(each * 2 for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
