"""The gate's page, as somebody reads it who decides: anywhere, on paper, without seeing colours."""

import re
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.gate import page
from probe.report.gate.lanes import timeline
from probe.report.gate.model import MarkerRow
from tests.gate.release import DAY, HOUR, START
from tests.gate.samples import DEPLOYED, decided, lane
from tests.report.html.axe import violations
from tests.report.html.site import serving
from tests.servers.chromium import Tab

PHONE, ENLARGED, PAPER, DESKTOP = (390, 844), (640, 400), (718, 1000), (1280, 800)
HEBREW = "\u05d4\u05e4\u05e1\u05e7\u05d4"
# How far a table is wider than what is shown of it.
HIDDEN = "[...document.querySelectorAll('.wide')].map((e) => e.scrollWidth - e.clientWidth)"
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
# Texts of the timeline that are too small to be read, or lie on one another.
ILLEGIBLE = """[...document.querySelectorAll(".lane svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll("text")].map((each) => each.getBoundingClientRect())
    .filter((each) => each.width);
  return boxes.filter((a, i) => a.height < 11 || boxes.some((b, j) => i < j &&
    a.left < b.right + 2 && b.left < a.right + 2));
}).length"""
FOCUSED = """document.activeElement === document.body ? "" :
  document.activeElement.getAttribute("aria-label")"""
OUTLINED = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """The address of the page of a day, and of a week."""
    week = decided(MarkerRow(START + DAY, "deploy"), planned=7 * DAY)
    pages = {"day": lambda: (page.render(DEPLOYED), ""), "week": lambda: (page.render(week), "")}
    async with serving(pages) as served:
        yield f"{served.address}/show"


@pytest.mark.parametrize(
    ("size", "medium"), [(PHONE, ""), (ENLARGED, ""), (PAPER, "print"), (DESKTOP, "")]
)
async def test_nothing_is_cut_off_on_a_phone_enlarged_or_on_paper(
    tab: Tab, site: str, size: tuple[int, int], medium: str
) -> None:
    await tab.screen(*size)
    await tab.call("Emulation.setEmulatedMedia", media=medium)
    for name in ("day", "week"):
        await tab.open(f"{site}/{name}")
        assert await tab.evaluate(SIDEWAYS) <= 0
        assert max(await tab.evaluate(HIDDEN)) <= 0
        assert await tab.evaluate(ILLEGIBLE) == 0


async def test_each_figure_keeps_its_heading_where_a_row_is_a_paragraph(
    tab: Tab, site: str
) -> None:
    await tab.screen(*PHONE)
    await tab.open(f"{site}/day")
    shown = await tab.evaluate(
        "[...document.querySelectorAll('.gate tbody tr')][0].querySelectorAll('td').length"
    )
    label = "getComputedStyle(document.querySelector('.gate td:nth-child({})'), '::before').content"
    assert shown == 8
    assert await tab.evaluate(label.format(2)) == "none"
    assert await tab.evaluate(label.format(8)) == '"budget "'


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_axe_finds_no_violation_in_the_gate_s_page(
    tab: Tab, site: str, size: tuple[int, int], scheme: str
) -> None:
    await tab.screen(*size, scheme=scheme)
    await tab.open(f"{site}/day")
    assert await violations(tab) == []


async def test_the_keyboard_goes_through_the_tables_and_out_again(tab: Tab, site: str) -> None:
    await tab.screen(*DESKTOP)
    await tab.open(f"{site}/day")
    reached: list[str] = []
    while not reached or (reached[-1] and len(reached) < 10):
        await tab.press("Tab")
        reached.append(await tab.evaluate(FOCUSED))
        assert not reached[-1] or await tab.evaluate(OUTLINED) == "solid"
    titles = ("Objectives", "Before and after", "Incidents")
    assert reached == [*(f"Table: {each}" for each in titles), ""]


def test_the_timeline_says_what_a_cell_is_and_what_its_colours_mean() -> None:
    shown = page.render(DEPLOYED)
    assert "A cell is 15 min, its worst run counts; dashed lines are events" in shown
    for words in ("ok", "critical", "no data"):
        assert f"</i>{words}</span>" in shown
    assert "</i>warning</span>" not in shown
    assert "A cell is 1 h 45 min, its worst run counts<" in page.render(decided(planned=7 * DAY))


def test_a_lane_is_heard_as_it_is_seen() -> None:
    lanes = timeline(DEPLOYED)["lanes"]
    assert [each["words"] for each in lanes] == [
        "ok throughout",
        "critical 15:00 to 20:00",
        "no data 21:00 to 21:30",
    ]


def test_the_worse_a_cell_the_higher_it_is() -> None:
    verdicts = (None, Verdict.OK, Verdict.WARNING, Verdict.CRITICAL)
    rows = [lane("health", *range(96), verdict=each) for each in verdicts]
    found = timeline(replace(DEPLOYED, timeline=rows))["lanes"]
    heights = [each["cells"][0]["height"] for each in found]
    assert heights == sorted(set(heights))


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        ((), []),
        ((1,), ["1"]),
        ((1, 1.2, 1.4, 12), ["1 to 3", "4"]),
        ((0, 24), ["1", "2"]),
    ],
)
def test_events_close_to_each_other_share_a_label(
    hours: tuple[float, ...], labels: list[str]
) -> None:
    found = timeline(decided(*(MarkerRow(START + each * HOUR, "deploy") for each in hours)))
    assert [each["text"] for each in found["labels"]] == labels
    assert len(found["lines"]) == len(hours)


def test_an_event_from_right_to_left_keeps_the_count_after_it() -> None:
    shown = page.render(decided(MarkerRow(START + HOUR, HEBREW)))
    assert f"UTC: <b>\u2068{HEBREW}\u2069</b>: 0 incidents before it, 1 after it</li>" in shown


def test_what_changed_stands_before_the_tables() -> None:
    shown = re.sub(r"<style>.*?</style>", "", page.render(DEPLOYED), flags=re.S)
    places = [shown.index(each) for each in ("ROLL BACK:", "deploy v1.5.0", "<svg", "<table")]
    assert places == sorted(places)
