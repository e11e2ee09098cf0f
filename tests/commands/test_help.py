"""Help and mistakes of the command line say all that they have to say."""

import click
import pytest
from click.testing import CliRunner

from probe.cli import cli
from probe.command_group import CommandGroup, place_of_option


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


@pytest.mark.parametrize("words", [["list", "--nonsense"], ["--nonsense"], ["--onse", "list"]])
def test_what_is_no_option_has_no_place(words: list[str]) -> None:
    with pytest.raises(click.NoSuchOption) as refused:
        cli.main(words, standalone_mode=False)
    assert place_of_option(refused.value, cli) == ""
