"""Regular expressions are RE2's: its syntax, and a time that is linear in the text."""

import pytest

from probe.exporter.modules.pattern import RegularExpression
from tests.exporter.asking import config_of, exporter
from tests.servers.pages import Pages, answers

# What Go's regexp takes; the third is whether the text matches.
SYNTAX = [
    (r"foo(?i)bar", "fooBAR", True),
    (r"\Q1.5\E s", "1.5 s", True),
    (r"\Q1.5\E s", "1x5 s", False),
    (r"\pL+:", "straße:", True),
    (r"(?<name>a)b", "ab", True),
    (r"\x{263a}", "☺", True),
    (r"^b$", "a\nb\nc", False),
    (r"(?m)^b$", "a\nb\nc", True),
    (r"b\z", "ab\n", False),
    (r"[[:alpha:]]+$", "12ab", True),
    (r"\d", "٣", False),
    (r"a", "\udcffa", True),
]
# What it doesn't, and Python does.
REFUSED = [r"(?=a)", r"(a)\1", r"a*+", r"a\Z", r"a{1001}"]
# Each takes a backtracking engine longer than the sun has left.
SLOW = [r".*error", r"(a+)+$", r"(a|a)*b$", r"(\w+\s?)*ready", r"a.*a.*a.*b"]


@pytest.mark.parametrize(("pattern", "text", "matches"), SYNTAX)
def test_syntax_is_that_of_blackbox_exporter(pattern: str, text: str, matches: bool) -> None:
    assert (RegularExpression.of(pattern).search(text) is not None) is matches


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_re2_does_not_know_is_refused_with_a_remedy(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"can't be compiled: .*write it in RE2's syntax"):
        RegularExpression.of(pattern)


async def test_a_page_without_line_breaks_holds_nothing_up() -> None:
    tables = {
        f"m{number}": {"prober": "http", "http": {"fail_if_body_matches_regexp": [pattern]}}
        for number, pattern in enumerate(SLOW)
    }
    body = b"a" * 1_000_000 + b"!"
    async with Pages(answers(200, body)) as pages, exporter(config_of(tables=tables)) as asked:
        found = [await asked.probe(pages.url, name) for name in tables]
    assert [each.success for each in found] == [1.0] * len(SLOW)


@pytest.mark.parametrize(("status", "body", "success"), [(503, b"fine", 1.0), (500, b"bad", 0.0)])
async def test_any_response_may_be_accepted_and_its_body_judged(
    status: int, body: bytes, success: float
) -> None:
    keys = {"accept_any_response": True, "fail_if_body_matches_regexp": ["bad"]}
    tables = {"m": {"prober": "http", "http": keys}}
    async with Pages(answers(status, body)) as pages, exporter(config_of(tables=tables)) as asked:
        answer = await asked.probe(pages.url, "m")
    assert answer.success == success
    assert answer.samples["probe_http_status_code"] == status
