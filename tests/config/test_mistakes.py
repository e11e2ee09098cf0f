"""Each mistake in ``probe.toml`` names its place, and the key that is meant."""

from pathlib import Path

import pytest

from probe.core.environment import suggest
from tests.config.test_newcomers import PAGE, said


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("timeout = 5", "deadline"),
        ("scrape_interval = 5", "interval"),
        ("Interval = 5", "interval"),
        ('"interval " = 5', "interval"),
        ("max-redirects = 5", "max_redirects"),
        ("expect_status = [200]", "status"),
        ('labels = { a = "b" }', "target_labels"),
    ],
)
def test_the_key_of_a_check_that_is_meant_is_named(tmp_path: Path, key: str, meant: str) -> None:
    assert f'unknown key: did you mean "{meant}"?' in said(tmp_path, toml=f"{PAGE}{key}\n")


@pytest.mark.parametrize(
    ("table", "key", "meant"),
    [
        ('[[route]]\nreceiver = "slack"', "receiver", "notify"),
        ('[[route]]\nnotify = []\nmatch = ["a"]', "match", "matches"),
        ("[[route]]\nnotify = []\nGroup-Wait = 5", "Group-Wait", "group_wait"),
        ('[[discovery]]\nkind = "http"\nfile = ["a"]', "file", "files"),
        ("[exporter]\nmodule_file = 'a'", "module_file", "modules_file"),
        ('[modules.x]\nprober = "http"\ntime_out = "5s"', "time_out", "timeout"),
        ('[[gate]]\nname = "g"\nstatistics = "p95"', "statistics", "statistic"),
        ('[[maintenance]]\nname = "m"\ndescription = "a"', "description", "reason"),
    ],
)
def test_the_key_of_another_table_that_is_meant_is_named(
    tmp_path: Path, table: str, key: str, meant: str
) -> None:
    text = said(tmp_path, toml=f"{PAGE}{table}\n")
    assert f'key "{key}": unknown key: did you mean "{meant}"?' in text


@pytest.mark.parametrize("value", ["5", "true", "[1]"])
def test_a_name_of_a_variable_is_a_text(tmp_path: Path, value: str) -> None:
    """It was left out without a word."""
    table = f'[[discovery]]\nkind = "http"\nfiles = ["a"]\ntoken_from = {value}\n'
    assert 'key "token_from": unknown key' in said(tmp_path, toml=PAGE + table)


def test_a_table_that_contradicts_itself_has_no_key(tmp_path: Path) -> None:
    text = said(tmp_path, toml=f'{PAGE}[[discovery]]\nkind = "http"\n')
    assert "entry 1: set either files or url" in text


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("interval = 5\n" + PAGE, '"interval": is in no table: write it below a [[KIND]]'),
        ("[[HTTP]]\n", '"HTTP": no such table: did you mean "http"?'),
        ("[[app-metrics]]\n", 'did you mean "app_metrics"?'),
        (PAGE + "deadline = 1\ndeadline = 2\n", "the key is written twice: remove one (at line 5"),
        ("[exporter]\n[exporter]\n", "the table is written twice"),
        (PAGE + "enabled = True\n", "true or false in small letters"),
        (PAGE + 'ca_file = "C:\\q"\n', "write \\\\ for a backslash"),
        (PAGE + 'contains = "x\n', "has a string that is not closed (at line 4)"),
        (PAGE + "a = " + "[" * 40 + "\n", "more than 32 nested brackets (at line 4)"),
        (PAGE + "enabled =\u00a0true\n", "there is a U+00A0 instead of a blank"),
        (PAGE + "contains = \u201cx\u201d\n", "\u201c is a typographic quote: write"),
        (PAGE + "contains: 5\n", ": write KEY = VALUE"),
        (PAGE.replace("\n", "\r"), "its lines end in CR alone: save it with LF"),
        ("[exporter]\n[exporter]\n", "Cannot declare [exporter] twice"),
        ("[thresholds.a]\nwarning = 1\n", "write [KIND.thresholds] below its [[KIND]]"),
        (PAGE.encode() + b"# \xe4\n", "it is not UTF-8 text (at line 4): save it as UTF-8"),
    ],
)
def test_line_and_remedy_of_what_is_no_configuration(
    tmp_path: Path, toml: str | bytes, words: str
) -> None:
    text = said(tmp_path, toml=toml)
    if "written twice: remove one" in words:
        assert "is written twice: remove one" in text
        assert "at line 5" in text
    else:
        assert words in text


@pytest.mark.parametrize(
    ("word", "meant"), [("HTTP", "http"), ("Max-Bytes", "max_bytes"), (" a b ", "A_b")]
)
def test_names_are_compared_without_case_dashes_and_blanks(word: str, meant: str) -> None:
    assert suggest(word, ["other", meant]) == f': did you mean "{meant}"?'
