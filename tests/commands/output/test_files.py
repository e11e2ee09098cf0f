"""A file that a command can't write is 74, its name and the reason are said, and what was there
stays; what can be known before is 64."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.commands.output.test_broken_streams import run

MORE = pytest.mark.proof
OLD = "what was there before\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("rules", "--output", "out.prom"),
        ("--once", "--format", "json", "--output", "out.prom"),
        pytest.param(("--once", "--format", "junit", "--output", "out.prom"), marks=MORE),
        pytest.param(("--once", "--format", "github", "--output", "out.prom"), marks=MORE),
        pytest.param(("--once", "--textfile", "out.prom"), marks=MORE),
        pytest.param(("rules", "--alertmanager", "--output", "out.prom"), marks=MORE),
    ],
    ids=" ".join,
)
def test_a_file_that_can_not_be_written_keeps_what_it_had(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "out.prom"
    path.write_text(OLD)
    # Of no bytes at all: pipes are not counted.
    done = run(tmp_path, *arguments, shell="", before="ulimit -f 0;")
    assert "probe: out.prom can't be written: File too large" in done.stderr
    # Metrics hide no verdict.
    code = 2 if "--textfile" in arguments else 74
    assert done.stdout.splitlines()[-1:] == [f"code {code}"], done.stderr
    assert path.read_text() == OLD
    assert sorted(os.listdir(tmp_path)) == ["out.prom", "probe.toml"]
    if "--once" in arguments:
        assert "refuses the connection" in done.stdout  # the table is there all the same


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/report.json", "there is no folder no"),
        ("pipe", ""),
        ("link", ""),
        ("/dev/stdout", ""),
        ("/dev/full", "/dev/full can't be written: No space left on device"),
    ],
)
def test_where_a_report_goes(tmp_path: Path, name: str, message: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "target").write_text(OLD)
    with subprocess.Popen(["cat", "pipe"], cwd=tmp_path, stdout=subprocess.PIPE) as reader:
        # What keeps the pipe open to its end.
        keeper = os.open(tmp_path / "pipe", os.O_WRONLY)
        done = run(tmp_path, "--once", "--format", "json", "--output", name, shell="", before="")
        os.close(keeper)
        read = reader.communicate(timeout=60)[0].decode()
    codes = {"no/report.json": "64", "/dev/full": "74"}
    assert done.stdout.splitlines()[-1] == f"code {codes.get(name, '2')}"
    assert message in done.stderr
    written = {"pipe": read, "link": (tmp_path / "target").read_text(), "/dev/stdout": done.stdout}
    assert '"schema": 1' in written.get(name, '"schema": 1')
    assert (tmp_path / "link").is_symlink()


@pytest.mark.proof
def test_the_lab_ends_where_its_addresses_can_not_be_written(tmp_path: Path) -> None:
    done = run(tmp_path, "lab", "--write-env", "/dev/full", shell="", before="")
    assert done.stdout == "code 74\n"
    assert done.stderr == "probe: /dev/full can't be written: No space left on device\n"
