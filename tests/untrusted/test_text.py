"""Text from outside is on one line, bounded, and without secrets even where it is cut."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.diagnostics.redact import Redactor
from probe.untrusted.text import MAX_TEXT, excerpt, listed, redacting, untrusted

SECRET = "pass-of-the-target-9x8"


@given(st.text(), st.integers(1, 100))
def test_any_text_is_printable_encodable_and_bounded(text: str, longest: int) -> None:
    found = untrusted(text, longest)
    assert len(found) <= longest
    assert not {unicodedata.category(each) for each in found} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert found.encode().decode() == found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\u200bb\u202ec", r"a\u200bb\u202ec"),
        ("a\ud800b", r"a\ud800b"),
        ("one\r\ntwo\tthree", "one  two three"),
        ("##[error]x", "·#[error]x"),
        ("##vso[task]x", "·#vso[task]x"),
        ("München 日本", "München 日本"),
    ],
)
def test_what_moves_hides_or_commands_is_shown(text: str, shown: str) -> None:
    assert untrusted(text) == shown


@pytest.mark.parametrize("before", range(50, 82))
def test_a_secret_that_the_cut_would_halve_is_gone(before: int) -> None:
    with redacting(Redactor([SECRET]).clean):
        found = excerpt("x" * before + " " + SECRET + " and more")
    assert not any(SECRET[:length] in found for length in range(8, len(SECRET)))


def test_a_list_names_the_first_and_counts_the_rest() -> None:
    names = [f"service-{number}" for number in range(40_000)]
    assert listed(names[:2], 10) == "service-0, service-1"
    assert listed(names, 10).endswith("service-9 and 39990 more")
    assert len(listed(["x" * 10_000] * 40_000, 10, excerpt)) < 1000


def test_a_text_is_cut_with_a_mark() -> None:
    assert untrusted("x" * 501) == "x" * (MAX_TEXT - 1) + "…"
