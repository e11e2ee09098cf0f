"""Help and mistakes of the command line say all that they have to say."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from probe.cli import cli
from probe.command_group import CommandGroup, place_of_option

WITHOUT_COLUMNS = {name: value for name, value in os.environ.items() if name != "COLUMNS"}


def groups(command: click.Command = cli, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every group of commands, by the words that lead to it."""
    if not isinstance(command, click.Group):
        return []
    below = [groups(each, (*path, name)) for name, each in command.commands.items()]
    return [path, *(each for found in below for each in found)]


@pytest.mark.parametrize("path", groups(), ids=" ".join)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_list_of_commands_cuts_no_sentence_off(path: tuple[str, ...], width: int) -> None:
    help_ = CliRunner().invoke(cli, [*path, "--help"], terminal_width=width).output
    listed = " ".join(help_.partition("Commands:")[2].split())
    assert listed
    assert "..." not in listed
    command: click.Command = cli
    for word in path:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert isinstance(command, CommandGroup)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["list", "--env-file", "lab.env"], "probe --env-file … list"),
        (["alerts", "silence", "list", "--lab"], "probe --lab … alerts silence list"),
        (["watch", "--only", "health"], "probe --only … watch"),
    ],
)
def test_an_option_behind_a_command_is_told_its_place(words: list[str], hint: str) -> None:
    with pytest.raises(click.NoSuchOption) as refused:
        cli.main(words, standalone_mode=False)
    assert place_of_option(refused.value, cli) == f" It stands before the command: {hint}"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["list", "--once"], "probe --once"),
        (["doctor", "--fail-on", "never"], "probe --once --fail-on …"),
        (["alerts", "list", "--wait", "5"], "probe --once --wait …"),
    ],
)
def test_an_option_of_a_run_is_not_sent_to_a_command_that_ignores_it(
    words: list[str], hint: str
) -> None:
    with pytest.raises(click.NoSuchOption) as refused:
        cli.main(words, standalone_mode=False)
    expected = f" It belongs to a run without a command: {hint}"
    assert place_of_option(refused.value, cli) == expected


@pytest.mark.parametrize("words", [["list", "--nonsense"], ["--nonsense"], ["--onse", "list"]])
def test_what_is_no_option_has_no_place(words: list[str]) -> None:
    with pytest.raises(click.NoSuchOption) as refused:
        cli.main(words, standalone_mode=False)
    assert place_of_option(refused.value, cli) == ""


def by_click(columns: int, option: str = "--help") -> str:
    """What click prints on a terminal of this width; it leaves the last two columns free."""
    width = min(columns, 80) - 2
    return CliRunner().invoke(cli, [option], prog_name="probe", terminal_width=width).output


# What is printed from the file must be what click prints, also where the file is not used.
@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("columns", ["", "60", "80", "200"])
def test_the_help_of_the_script_is_that_of_the_command_line(option: str, columns: str) -> None:
    environment = {**os.environ, "COLUMNS": columns}
    script = Path(sys.executable).parent / "probe"
    done = subprocess.run([script, option], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, by_click(int(columns or 80), option))


@pytest.mark.parametrize("columns", [60, 79, 80, 132])
def test_the_help_fits_the_terminal(columns: int) -> None:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    script = Path(sys.executable).parent / "probe"
    process = subprocess.Popen([script, "--help"], stdout=terminal, env=WITHOUT_COLUMNS)
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # the terminal has gone with the process
        while part := os.read(master, 4096):
            shown += part
    assert process.wait() == 0
    os.close(master)
    assert shown.decode().replace("\r\n", "\n") == by_click(columns)


def test_the_help_is_printed_without_the_libraries_that_made_it() -> None:
    code = "import sys; sys.argv = ['probe', '--help']\nfrom probe.start import main"
    end = "try: main()\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{end}"],
        env=WITHOUT_COLUMNS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: probe ")
    assert not {"click", "inspect", "pathlib", "probe.cli"} & set(done.stderr.split())


def test_a_help_that_cannot_be_written_is_an_error() -> None:
    script = Path(sys.executable).parent / "probe"
    with open("/dev/full", "w") as full:
        done = subprocess.run([script, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 74
    assert done.stderr.startswith("probe: the output can't be written: ")


def test_interrupted_while_it_loads_it_is_130_without_a_traceback(tmp_path: Path) -> None:
    """A module that is loaded with the command line, at which somebody presses Ctrl-C."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-c", "from probe.start import main; main()"],
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")
