"""The badge."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.html import badge
from probe.report.status import Overview
from tests.report import status_samples as samples
from tests.report.html.status_extremes import hostile

SVG = "{http://www.w3.org/2000/svg}"


def read(overview: Overview) -> ElementTree.Element:
    """The picture, read as strictly as XML is."""
    return ElementTree.fromstring(badge.render(overview))


def words(overview: Overview) -> list[str]:
    """What stands on it."""
    return [each.text or "" for each in read(overview).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("overview", "said"),
    [
        (samples.all_well(), "up"),
        (samples.outage(), "2 critical"),
        (replace(samples.outage(), verdict=Verdict.WARNING), "1 warning"),
        (replace(samples.outage(), verdict=Verdict.UNKNOWN), "1 unknown"),
        (samples.starting(), "starting"),
        (samples.overview(Verdict.CRITICAL, samples.health()), "critical"),
        (samples.overview(Verdict.OBJECTIVE_MISSED, samples.health()), "up"),
    ],
)
def test_it_says_how_everything_stands(overview: Overview, said: str) -> None:
    assert words(overview) == ["probe", said]
    title = read(overview).find(f"{SVG}title")
    assert title is not None
    assert title.text == read(overview).get("aria-label") == f"probe: {said}"


def test_its_words_fit_into_it() -> None:
    picture = read(samples.outage())
    left, right = picture.iter(f"{SVG}text")
    width = int(picture.get("width") or 0)
    ends = [int(each.get("x") or 0) + int(each.get("textLength") or 0) for each in (left, right)]
    assert ends[0] < int(right.get("x") or 0) < ends[1] < width


@pytest.mark.parametrize("verdict", list(Verdict))
def test_white_words_are_readable_on_its_colours(verdict: Verdict) -> None:
    picture = read(samples.overview(verdict, samples.health()))
    for half in picture.iter(f"{SVG}path"):
        assert 1.05 / (_luminance(half.get("fill") or "") + 0.05) >= 4.5


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_of_a_target_s_gets_onto_it(text: str) -> None:
    found = badge.render(hostile(text))
    assert badge.LABEL in found
    assert found == badge.render(hostile("other"))


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
