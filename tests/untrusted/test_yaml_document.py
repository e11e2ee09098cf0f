"""YAML is read strictly, in bounded time and memory, and errors repeat no value."""

import os
from pathlib import Path

import pytest

from probe.untrusted.regular_file import read_regular
from probe.untrusted.yaml_document import InvalidYaml, read_yaml

BOMB = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


def test_values_and_their_lines() -> None:
    found = read_yaml("a:\n  - b: 1\n  - c:\n      d: [x]\ne: null\n")
    assert found.value == {"a": [{"b": 1}, {"c": {"d": ["x"]}}], "e": None}
    assert found.line_of(["a", 1, "c", "d", 0]) == 4
    assert found.line_of(["a", 5]) == 1
    assert found.line_of(["e"]) == 5
    assert read_yaml("# nothing\n").line_of(["a"]) is None


def test_an_anchor_may_be_used_more_than_once() -> None:
    found = read_yaml("base: &base {a: 1}\none:\n  <<: *base\n  b: 2\ntwo: *base\n")
    assert found.value["one"] == {"a": 1, "b": 2}
    assert found.value["two"] == {"a": 1}


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        (BOMB, "more than 200000 values", 6),
        ("a: &x {b: *x}", "an alias refers to what it is in", 1),
        ("a: &x [1, [*x]]", "an alias refers to what it is in", 1),
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is written twice, first in line 1", 3),
        ("- x: 1\n  y: {b: 1, b: 1}\n", "the key 'b' is written twice", 2),
        ("? [a]\n: b\n", "is no key", 1),
        ("[" * 3000, "nested too deeply", None),
        ("a: b: c", "check indentation", 1),
        ("a: 'x", "check indentation", 1),
    ],
)
def test_what_is_refused_names_its_line(text: str, words: str, line: int | None) -> None:
    with pytest.raises(InvalidYaml, match=words) as raised:
        read_yaml(text)
    assert raised.value.line == line


def test_a_file_is_regular_and_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    assert read_regular(path, 9) == "a\nb\n"
    with pytest.raises(OSError, match="larger than 8 bytes"):
        read_regular(path, 8)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path / "pipe", 9)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        read_regular(tmp_path / "loop", 9)
