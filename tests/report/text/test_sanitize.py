"""Making text harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.report.text.sanitize import MAX_TEXT, clean, cut, cut_between_words, without_commands


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_is_one_line_without_hidden_or_moving_characters(text: str) -> None:
    cleaned = clean(text)
    categories = {unicodedata.category(character) for character in cleaned}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(cleaned) <= MAX_TEXT
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain: 100 % – naïve 東京", "plain: 100 % – naïve 東京"),  # noqa: RUF001
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("turned \u202eround", "turned \\u202eround"),
        ("half a pair \ud800", "half a pair \\ud800"),
    ],
)
def test_hostile_characters_are_shown_and_others_left_alone(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_an_endless_text_is_cut_off() -> None:
    assert len(clean("x" * 10_000_000)) == len(clean("\n" * 10_000_000)) == MAX_TEXT


def test_the_middle_of_a_long_address_is_left_out() -> None:
    shown = cut("https://paircam.live/a/very/long/path/to/health", 24)
    assert shown == "https://paircam.…/health"
    assert len(shown) == 24
    assert cut("short", 24) == "short"


@pytest.mark.parametrize(
    "line", ["::error::x", "  ::add-mask::x", "\u3000:::x::", "x ##[error]", "##vso[task]"]
)
def test_a_line_is_no_command_to_a_ci_service(line: str) -> None:
    safe = without_commands(f"first\n{line}\nlast\n")
    assert len(safe) == len(line) + 12
    assert "##" not in safe
    assert not any(each.strip().startswith("::") for each in safe.splitlines())


def test_an_ipv6_address_is_left_alone() -> None:
    assert without_commands("::1 refused\nfe80::1 too") == "::1 refused\nfe80::1 too"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        (
            "The backend is down: more than 19 redirects in a row at http://a.example/ (health)",
            "The backend is down: more than 19 redirects in a row … (health)",
        ),
        (
            "No relay works at turn:relay-of-a-long-name.example:3478?transport=tcp, 12 checks",
            "No relay works at turn:relay-of-a-long-name…nsport=tcp, 12 checks",
        ),
        ("x" * 80, f"{'x' * 43}…{'x' * 21}"),
        (f"no answer at https://{'a' * 80}", f"no answer at https://{'a' * 22}…{'a' * 21}"),
    ],
)
def test_no_word_is_cut_unless_it_takes_most_of_the_room(text: str, shown: str) -> None:
    assert cut_between_words(text, 65) == shown
    assert len(shown) <= 65
