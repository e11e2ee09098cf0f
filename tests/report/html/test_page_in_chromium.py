"""The status page in a real browser: readable on a phone, in the dark, by keyboard, alone."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from probe.report.html import page
from probe.report.status import Overview
from tests.report import status_samples as samples
from tests.report.html.status_extremes import hostile, many
from tests.servers.chromium import Tab

OVERVIEWS: dict[str, Callable[[], Overview]] = {
    "outage": samples.outage,
    "well": samples.all_well,
    "starting": samples.starting,
    "many": many,
    "hostile": partial(hostile, "<script>alert(1)</script>" + "Wide" * 500),
}
PHONE, NARROW, DESKTOP = (390, 844), (360, 640), (1200, 800)
CONTRAST = 4.5

# The contrast of each text with what is painted behind it (WCAG 2.2, 1.4.3).
FAINT = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const curve = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const linear = (part) => curve(part / 255);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const found = parts(getComputedStyle(element).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  let seen = 0;
  for (let node; (node = walker.nextNode());) {
    if (!node.data.trim()) continue;
    const element = node.parentElement;
    const style = getComputedStyle(element);
    const front = luminance(parts(element.closest('svg') ? style.fill : style.color));
    const back = luminance(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    seen += 1;
    if (ratio < LEAST) faint.push(`${node.data}: ${ratio.toFixed(2)}`);
  }
  return seen > 50 ? faint : ['too little text: ' + seen];
})()
""".replace("LEAST", str(CONTRAST))

UNFOLD = "document.querySelectorAll('details').forEach((each) => each.open = true)"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
FOCUSED = "document.activeElement.tagName + ' ' + (document.activeElement.textContent || '')"
OUTLINED = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A server with a page for each sample, as the daemon serves it."""

    async def show(request: web.Request) -> web.Response:
        overview: Overview = OVERVIEWS[request.match_info["name"]]()
        document, policy = page.render(overview)
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=document, content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/{name}", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_nothing_is_complained_of_and_nothing_else_is_asked_for(tab: Tab, site: str) -> None:
    for name in OVERVIEWS:
        await tab.open(f"{site}/{name}")
        assert await tab.evaluate("document.styleSheets[0].cssRules.length > 20")
        assert tab.complaints() == []
    asked = [url for url in tab.requested() if not url.startswith("data:")]
    assert asked == [f"{site}/{name}" for name in OVERVIEWS]


async def test_a_violation_of_the_policy_would_be_seen(tab: Tab, site: str) -> None:
    await tab.open(f"{site}/well")
    await tab.evaluate("document.body.setAttribute('style', 'color:red')")
    await tab.evaluate("fetch('/status.json').catch(() => null)")
    assert [text for text in tab.complaints() if "Content Security Policy" in text]


async def test_nobody_scrolls_sideways(tab: Tab, site: str) -> None:
    for name in OVERVIEWS:
        for width, height in (NARROW, PHONE, DESKTOP):
            await tab.screen(width, height)
            await tab.open(f"{site}/{name}")
            await tab.evaluate(UNFOLD)
            assert await tab.evaluate(SIDEWAYS) <= 0, (name, width)


async def test_what_is_broken_stands_on_a_phone_s_first_screen(tab: Tab, site: str) -> None:
    await tab.screen(*PHONE)
    await tab.open(f"{site}/outage")
    for what in ("h1", ".card h3", ".card .why", ".card .hint", ".card dl div:nth-child(3)"):
        bottom = await tab.evaluate(
            f"document.querySelector({what!r}).getBoundingClientRect().bottom"
        )
        assert 0 < bottom <= PHONE[1], what


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_stands_out(tab: Tab, site: str, scheme: str, tmp_path: Path) -> None:
    for name in ("outage", "well", "starting"):
        for size, device in ((PHONE, "phone"), (DESKTOP, "desktop")):
            await tab.screen(*size, scheme=scheme)
            await tab.open(f"{site}/{name}")
            assert await tab.evaluate(FAINT) == []
            picture = await tab.screenshot()
            (tmp_path / f"{name}-{device}-{scheme}.png").write_bytes(picture)


async def test_dark_is_dark(tab: Tab, site: str) -> None:
    shades = []
    for scheme in ("light", "dark"):
        await tab.screen(*PHONE, scheme=scheme)
        await tab.open(f"{site}/outage")
        shades.append(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(244, 245, 247)", "rgb(15, 18, 22)"]


async def test_the_keyboard_reaches_links_and_opens_what_is_folded(tab: Tab, site: str) -> None:
    await tab.screen(*DESKTOP)
    await tab.open(f"{site}/outage")
    reached = []
    for _ in range(8):
        await tab.press("Tab")
        reached.append(await tab.evaluate(FOCUSED))
        assert await tab.evaluate(OUTLINED) == "solid"
    assert reached[:3] == ["A stop", "A more", "SUMMARY 2 more"]
    assert reached[3].startswith("SUMMARY ✓ ok")
    assert [each.split(" ")[1] for each in reached[-2:]] == ["/status.json", "/badge.svg"]


async def test_enter_opens_a_check_without_any_script(tab: Tab, site: str) -> None:
    await tab.scripts(enabled=False)
    await tab.open(f"{site}/well")
    await tab.press("Tab")
    await tab.press("Tab")
    await tab.press("Enter")
    opened = "document.querySelector('.check').open && document.querySelector('.check .plot')"
    assert await tab.evaluate(f"({opened}).getBoundingClientRect().height > 90")
    assert tab.complaints() == []


async def test_it_asks_again_by_itself(tab: Tab, site: str) -> None:
    await tab.open(f"{site}/well")
    meta = "document.querySelector('meta[http-equiv=refresh]').content"
    assert await tab.evaluate(meta) == "60"
    assert await tab.evaluate("document.querySelector('a').href") == f"{site}/well?refresh=0"
