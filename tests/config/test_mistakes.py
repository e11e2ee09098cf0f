"""Each mistake in ``probe.toml`` names its place, and the key that is meant."""

from pathlib import Path

import pytest

from probe.config.check_plan import select
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS
from probe.untrusted.text import suggest
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


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (PAGE.encode("utf-16-be"), "it is UTF-16 text: save it as UTF-8"),
        (PAGE.replace("name", "\u200bname"), "there is an invisible U+200B: remove it"),
        (PAGE + "\0", "there is an invisible U+0000: remove it"),
        ('{"http": [{"name": "a"}]}', "it is JSON: write [[KIND]]"),
        ("http:\n  - name: a\n", "it is YAML: write [[KIND]]"),
        ("# pages\n---\nhttp: a\n", "it is YAML: write [[KIND]]"),
        ("- name: a\n", "it is YAML: write [[KIND]]"),
        (PAGE + "deadline = 5,\n", "there is a comma at the end: remove it"),
        (PAGE + "deadline = 5;\n", "there is a semicolon at the end: remove it"),
        (PAGE + "deadline = 5 s\n", "write one KEY = VALUE a line"),
        (PAGE + "thresholds = {\n}\n", "write { KEY = VALUE } on one line"),
        (PAGE + "thresholds = { a = 1, }\n", "without a comma at its end"),
        ("[[web]]\n", 'no such table: did you mean "http"?'),
        ("[[socketio]]\n", 'no such table: did you mean "signaling"?'),
        ("[[silence]]\n", "write [[maintenance]] for a window, or run `probe alerts silence add`"),
        ("[slack]\n", "notifiers are set by variables, such as SLACK_WEBHOOK"),
        ("[global]\n", "write its keys in each [[KIND]]"),
        ("[[endpoints]]\n", "write each check as a table of its kind, such as [[http]]"),
        ("[[ping]]\n", "no check does this; modules of /probe do"),
        (PAGE + "thresholds.probe_success = 1\n", "must be a table: write NAME = VALUE below it"),
        (PAGE + "thresholds.probe_success.warn = 1\n", 'unknown key: did you mean "warning"?'),
        (PAGE + "thresholds.probe_success.holt = 1\n", 'unknown key: did you mean "hold"?'),
        (PAGE.replace("http://127.0.0.1:9/", ""), "is empty: write https://example.org"),
        (PAGE + PAGE, '"a" is the name of [[http]] entry 1, too: rename one of them'),
        (
            PAGE + '[[stun]]\nname = "a"\nurl = "stun:127.0.0.1"\n',
            '[[stun]] entry 1, key "name": "a" is the name of [[http]] entry 1, too',
        ),
        (
            '[[fly]]\nname = "f"\nqueries = [{ nam = "a" }]\n',
            'key "queries", item 1, key "nam": unknown key: did you mean "name"?',
        ),
    ],
)
def test_what_other_programs_and_editors_write_is_named(
    tmp_path: Path, toml: str | bytes, words: str
) -> None:
    assert words in said(tmp_path, toml=toml)


def test_a_file_that_is_missing_is_named_with_its_variable(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigurationError, match=f"PROBE_CONFIG={path}: there is no such file"):
        load_settings(KINDS, {"PROBE_CONFIG": str(path)}, env_file=None)


def test_when_all_is_disabled_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(PAGE + "enabled = false\n")
    plan = load_settings(KINDS, {"PROBE_CONFIG": str(tmp_path / "probe.toml")}, env_file=None).plan
    with pytest.raises(ConfigurationError, match="there is nothing to check: a is disabled in"):
        select(plan, (), ())
