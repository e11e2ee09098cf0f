"""A full disk or a reader that has gone is exit code 74, never a defect or Python's 120."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A short output, which stays in the buffer until the end, and a long one.
SHORT, LONG = ("--version",), ("rules",)
TOML = '[[http]]\nname = "a"\nurl = "http://127.0.0.1:1/"\n'


def run(
    folder: Path, *arguments: str, shell: str, before: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a shell, ``shell`` is what follows it. With something ``before`` it, even
    nothing, the last line of the output is its exit code."""
    (folder / "probe.toml").write_text(TOML)
    environ = {"PATH": os.environ["PATH"], "PROBE_SECRETS_DIR": "none"}
    command = f'"{sys.executable}" -m probe {" ".join(arguments)} {shell}'
    if before is not None:
        command = f'{before} "{sys.executable}" -m probe {" ".join(arguments)}; echo "code $?"'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


MORE = pytest.mark.proof


@pytest.mark.parametrize(
    "arguments",
    [LONG, ("--once",), pytest.param(SHORT, marks=MORE), pytest.param(("list",), marks=MORE)],
    ids=" ".join,
)
def test_a_full_disk_is_said_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, shell="> /dev/full")
    assert done.returncode == 74, done.stderr
    assert done.stderr.count("No space left on device") == 1
    assert "bug" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [SHORT, pytest.param(LONG, marks=MORE), pytest.param(("check-config",), marks=MORE)],
    ids=" ".join,
)
def test_a_reader_that_has_gone_is_no_noise(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, shell="| exec 0<&-; echo ${PIPESTATUS[0]}")
    assert done.stdout == "74\n"
    assert done.stderr == ""


@pytest.mark.proof
def test_a_report_without_a_reader_is_74_without_python_s_own_words(tmp_path: Path) -> None:
    done = run(tmp_path, "--once", shell="| exec 0<&-; echo ${PIPESTATUS[0]}")
    assert done.stdout == "74\n"
    assert done.stderr == "probe: the report can't be written: Broken pipe\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nonsense",), 64),
        pytest.param(("--once",), 2, marks=MORE),
        pytest.param(("--version",), 0, marks=MORE),
    ],
)
def test_stderr_that_is_full_changes_no_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert run(tmp_path, *arguments, shell="2> /dev/full").returncode == code


@pytest.mark.proof
@pytest.mark.parametrize(("arguments", "code"), [(("--once",), 2), (("--version",), 0)])
def test_streams_that_are_closed_change_no_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert run(tmp_path, *arguments, shell=">&- 2>&-").returncode == code
