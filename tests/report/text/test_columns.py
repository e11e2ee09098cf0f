"""Tables of the gate and of a load fit the terminal, and lose nothing by it."""

import re

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from probe.kinds import KINDS
from probe.report.gate import text as gate_text
from probe.report.text import check_list
from probe.report.text.check_list import CheckRow, KindLines, Listing
from probe.report.text.columns import columns
from tests.gate import samples

WIDTHS = (60, 80, 100, 120, 200)
HEADER = ("", "NAME", "LIMIT", "MEASURED", "BUDGET")
ROWS = [("✓", "call-success", "≥ 95 %", "99 %", "62 % left"), ("?", "页面" * 5, "—", "", "1")]


def words(text: str) -> set[str]:
    """The words of a report, without signs."""
    return set(re.findall(r"[\w%≤≥.,/-]+", text.lower()))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_watch_fits_and_says_the_same(width: int) -> None:
    shown = gate_text.render(samples.DEPLOYED, width=width)
    assert max(map(cell_len, shown.splitlines())) <= width
    assert words(shown) == words(gate_text.render(samples.DEPLOYED, width=400))


def test_below_sixty_columns_it_is_as_wide_as_that() -> None:
    assert gate_text.render(samples.DEPLOYED, width=20) == gate_text.render(
        samples.DEPLOYED, width=60
    )


def test_what_has_no_room_stands_below_its_row_with_its_heading() -> None:
    assert [*columns(HEADER, ROWS, 44)] == [
        "   NAME                  LIMIT   MEASURED",
        "✓  call-success          ≥ 95 %  99 %",
        "    budget 62 % left",
        "?  页面页面页面页面页面  —",
        "    budget 1",
    ]


def test_with_room_for_all_it_is_one_table() -> None:
    first, second, _ = columns(HEADER, ROWS, 80)
    assert first.split() == ["NAME", "LIMIT", "MEASURED", "BUDGET"]
    assert second == "✓  call-success          ≥ 95 %  99 %      62 % left"


def test_colours_take_no_room() -> None:
    plain = gate_text.render(samples.DEPLOYED, width=80)
    coloured = gate_text.render(samples.DEPLOYED, width=80, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_name_that_is_wider_than_all_is_wrapped() -> None:
    row = replace(samples.decided().objectives[0], name="x" * 150)
    shown = gate_text.render(replace(samples.decided(), objectives=[row]), width=80)
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert "".join(shown.split()).count("x" * 150) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_a_listing_fits_and_says_the_same(width: int) -> None:
    checks = [
        CheckRow(
            f"check-{number}",
            kind.name,
            "x" * 5 * number,
            60,
            10,
            "critical",
            None,
            30,
            kind.thresholds,
            ("upstash 3 million commands",),
        )
        for number, kind in enumerate(KINDS)
    ]
    kinds = [KindLines(each.name, each.summary, each.cost, each.signals) for each in KINDS]
    listing = Listing(tuple(checks), tuple(kinds), (("http", "word " * 60),))
    shown = check_list.render(listing, width=width, colour=False)
    assert max(map(cell_len, shown.splitlines())) <= width
    wide = check_list.render(listing, width=400, colour=False)
    for part in (*(each.name for each in checks), *wide.split()):
        assert part in shown or part in "".join(shown.split()) or part.lower() in shown
