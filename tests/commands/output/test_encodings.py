"""What a terminal or a pipe can't show changes neither exit code nor document."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from probe.commands.terminal import rewrites_lines, style_for

TOML = '[[http]]\nname = "a"\nurl = "http://127.0.0.1:1/\u00fc"\n'


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """A run against a port at which nobody listens."""
    (folder / "probe.toml").write_text(TOML, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "probe", "--once", *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PROBE_SECRETS_DIR": "none",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            **environ,
        },
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["latin-1", pytest.param("ascii", marks=pytest.mark.proof)])
def test_a_document_is_utf_8_whatever_the_terminal_s_encoding(
    tmp_path: Path, encoding: str
) -> None:
    done = run(tmp_path, "--format", "junit", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert "http://127.0.0.1:1/\u00fc" in {
        (each.text or "").splitlines()[0] for each in ET.fromstring(done.stdout).iter("system-out")
    }
    found = json.loads(run(tmp_path, "--format", "json", PYTHONIOENCODING=encoding).stdout)
    assert found["checks"][0]["target"] == "http://127.0.0.1:1/\u00fc"


@pytest.mark.parametrize(
    "environ",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
)
def test_a_table_without_its_signs_is_a_table_all_the_same(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = run(tmp_path, **environ, COLUMNS="80")
    assert done.returncode == 2
    assert done.stdout.startswith(b"CRITICAL")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert b"bug" not in done.stderr


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "colour", "rewrites"),
    [
        ({}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_what_a_terminal_can_show(environ: dict[str, str], colour: bool, rewrites: bool) -> None:
    assert style_for(Terminal(), environ).colour == colour
    assert rewrites_lines(Terminal(), environ) == rewrites
    assert not rewrites_lines(io.StringIO(), environ)


@pytest.mark.parametrize("columns", ["\u00b2", "-1", "0", "9" * 5000, "wide"])
def test_columns_that_are_no_number_are_the_usual(columns: str) -> None:
    assert style_for(io.StringIO(), {"COLUMNS": columns}).width == 120
