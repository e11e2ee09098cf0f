"""A file of a shape that costs much is refused before it is parsed."""

import time

import pytest

from probe.config.toml_tables.limits import problem_of


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=" + "[" * 5000 + "]" * 5000, "nested"),
        ("a=" + "{b=" * 5000 + "1" + "}" * 5000, "nested"),
        ("a." * 50_000 + "b=1", "parts"),
        ("[" + "a." * 50_000 + "b]", "parts"),
        ("deadline=" + "9" * 5000, "digits"),
        ('"\\' * 400_000, "not closed"),
        ("x" * (2 << 20), "larger"),
    ],
)
def test_what_would_cost_much_is_refused(text: str, problem: str) -> None:
    began = time.monotonic()
    assert problem in problem_of(text)
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize(
    "text",
    [
        'url = "http://a.b.c.d.e.f/' + "x." * 100 + '"\n',
        "# " + "." * 500 + "[" * 500,
        "a = '" + "[" * 100 + "'\n",
        'a = """' + "[\n" * 100 + '"""\n',
        "interval = 1.5\n" * 1000,
        "[[http]]\nname = 'a'\nthresholds.x = {warning = 1}\n",
    ],
)
def test_what_is_in_strings_and_comments_does_not_count(text: str) -> None:
    assert problem_of(text) == ""
