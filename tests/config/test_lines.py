"""A mistake in a table is named with its line, which ``tomllib`` doesn't keep."""

from pathlib import Path

import pytest

from tests.config.test_newcomers import PAGE, said

TWO = f"""# a comment
{PAGE}
[http.thresholds.probe_http_response_seconds]
warning = 1

[[http]]
name = "b"
url = "http://127.0.0.1:9/"
"""


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (f"{TWO}deadline = 0\n", '[[http]] entry 2, key "deadline": must be above 0'),
        (f"{TWO}'inter val' = 5\n", "key \"'inter val'\": unknown key"),
        (f"{TWO}status = [\n  200,\n  -1,\n]\n", 'key "status", item 2: must be'),
        (f"{TWO}thresholds.probe_success.holt = 1\n", 'key "thresholds.probe_success.holt"'),
        (f"{TWO}thresholds = {{ probe_success = {{ x = 1 }} }}\n", "thresholds.probe_success.x"),
        (f"{TWO}\n[exporter]\nrate = 0\n".replace('"b"\n', '"b"\n\n'), '[exporter], key "rate"'),
    ],
)
def test_the_line_of_a_key(tmp_path: Path, toml: str, words: str) -> None:
    (line,) = [each for each in said(tmp_path, toml=toml).splitlines() if words in each]
    key = words.rpartition('key "')[2].partition('"')[0].rpartition(".")[2].strip("'")
    wanted = [at for at, each in enumerate(toml.splitlines(), 1) if key and key in each][-1]
    assert line.endswith(f"(at line {wanted})"), line


def test_the_line_of_a_key_below_a_header_of_its_own(tmp_path: Path) -> None:
    text = said(tmp_path, toml=TWO.replace("warning = 1", "warning = 1\nwindow = -1"))
    assert "(at line 8)" in text


def test_the_line_of_a_key_by_prometheus_name(tmp_path: Path) -> None:
    text = said(tmp_path, toml=TWO.replace("warning = 1", "warning = 1\nfor = -1"))
    assert text.endswith('hold" ("for"): must be from 0 to 86400 (seconds) (at line 8)')


def test_of_what_is_missing_the_line_is_the_table_s(tmp_path: Path) -> None:
    text = said(tmp_path, toml=TWO.replace('name = "b"\n', ""))
    assert text.endswith('[[http]] entry 2, key "name": is required (at line 9)')


def test_a_header_within_a_text_is_none(tmp_path: Path) -> None:
    toml = f'{PAGE}contains = """\n[[http]]\nname = "no"\n"""\n\n[[http]]\nname = "b"\nurl = ""\n'
    assert 'entry 2, key "url": is empty: write https://example.org (at line 11)' in said(
        tmp_path, toml=toml
    )


def test_the_second_entry_is_named_before_the_tenth(tmp_path: Path) -> None:
    entries = "".join(f'[[http]]\nname = "n{each}"\n' for each in range(10))
    lines = said(tmp_path, toml=entries).splitlines()
    assert [line.split("entry ")[1].split(",")[0] for line in lines] == [
        str(each) for each in range(1, 11)
    ]


def test_a_name_with_a_line_end_is_one_line(tmp_path: Path) -> None:
    text = said(tmp_path, toml=f'{PAGE}"a\\nb\\u001b[2J" = 1\n')
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (f"{PAGE}\u0456nterval = 5\n", "\u0456 is U+0456 (cyrillic small letter byelorussian"),
        (f"{PAGE}int\u0435rval = 5\n", "\u0435 is U+0435 (cyrillic small letter ie): write it in"),
        (PAGE.replace("http]]", "htt\u0440]]"), "\u0440 is U+0440"),
        (
            PAGE.replace('"a"', '"he\u0430lth"'),
            "letter or digit: \u0430 is U+0430 (cyrillic small letter a)",
        ),
        (
            f'{PAGE}"int\u0435rval" = 5\n',
            "unknown key (\u0435 is U+0435 (cyrillic small letter ie)): did",
        ),
        (f"{PAGE}deadline = \uff15\n", "\uff15 is U+FF15 (fullwidth digit five)"),
        (f"{PAGE}deadline = \u22125\n", "\u2212 is U+2212 (minus sign)"),
    ],
)
def test_a_letter_that_only_looks_like_one_of_ascii(tmp_path: Path, toml: str, words: str) -> None:
    assert words in said(tmp_path, toml=toml)


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ("# mine\n\n\nFRONTEND_URL=ftp://h\n", 4),
        ("A='x\ny'\nexport FRONTEND_URL=ftp://h\r\n", 3),
        ("FRONTEND_URL=http://h\nFRONTEND_URL=ftp://h\n", 2),
    ],
)
def test_the_line_of_a_variable(tmp_path: Path, env: str, line: int) -> None:
    assert f"FRONTEND_URL ({tmp_path / '.env'} line {line}): 'ftp://h'" in said(tmp_path, env=env)
