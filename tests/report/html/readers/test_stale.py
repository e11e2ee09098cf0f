"""A page that is no longer fresh says so: the probe is gone, hangs, or refuses."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.report.html.documents import DOCUMENTS
from tests.report.html.site import Site, serving
from tests.servers.chromium import Tab

# The page's own delays can be shortened: all but that in which an answer has to come, and that one.
DELAYS = """(() => {
  const ANSWER = 20000, real = window.setTimeout;
  window.faster = window.answersFaster = 1;
  window.setTimeout = (call, wait, ...more) =>
    real(call, wait / (wait === ANSWER ? window.answersFaster : window.faster), ...more);
})()"""
# As a browser does whose network is back: the page asks at once.
ASK = "window.faster = 100; dispatchEvent(new Event('online'))"
ASK_BRIEFLY = f"window.answersFaster = 100; {ASK}"
NOTICE = "(document.getElementById('stale') || {textContent: ''}).textContent"
SAID = "document.getElementById('said').textContent"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server with all pages."""
    async with serving(DOCUMENTS) as served:
        yield served


async def becomes(tab: Tab, condition: str) -> None:
    """Return once a condition holds in the page."""
    await tab.evaluate(
        f"new Promise((done) => {{ const ask = () => ({condition}) ? done(true) : "
        "setTimeout(ask, 1000); ask(); })"
    )


def goes(site: Site) -> None:
    """Pages are refused, as by a proxy whose daemon is gone."""
    site.status = 502


def hangs(site: Site) -> None:
    """Connections stay open and pages are not answered."""
    site.hangs = True


@pytest.mark.parametrize(
    ("page", "fault", "why"),
    [
        ("backend-down", hangs, "No connection to the probe."),
        ("public", goes, "The probe answers with status 502."),
    ],
)
async def test_a_page_whose_probe_is_lost_says_of_when_it_is(
    tab: Tab, site: Site, page: str, fault: Callable[[Site], None], why: str
) -> None:
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=DELAYS)
    await tab.open(f"{site.address}/show/{page}")
    assert await tab.evaluate(NOTICE) == ""
    shown = await tab.evaluate("document.querySelector('#live time').textContent")
    fault(site)
    await tab.evaluate(ASK_BRIEFLY if site.hangs else ASK)
    await becomes(tab, f"{NOTICE} !== ''")
    expected = f"{why} This page shows the state of {shown}."
    assert await tab.evaluate(NOTICE) == expected
    assert await tab.evaluate(SAID) == expected
    assert await tab.evaluate("document.querySelectorAll('.stale').length") == 1
    if page != "public":
        assert await tab.evaluate("document.querySelector('#live .how').textContent") == (
            "reconnecting"
        )


async def test_a_page_whose_probe_is_back_is_fresh_again(tab: Tab, site: Site) -> None:
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source=DELAYS)
    await tab.open(f"{site.address}/show/well")
    goes(site)
    await tab.evaluate(ASK)
    await becomes(tab, f"{NOTICE} !== ''")
    site.status = 200
    await tab.evaluate(ASK)
    await becomes(tab, f"{NOTICE} === ''")
    await becomes(tab, "document.querySelector('#live .how').textContent === 'live'")
