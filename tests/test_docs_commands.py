"""Every command of README and docs/ is one: its subcommand, options and arguments, the variables,
files and tests that it names."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from alerts.notifiers import NOTIFIERS
from probe.cli import cli
from probe.core.environment import SECRETS_DIRECTORY
from probe.kinds import KINDS
from probe.reference.configuration import variables_by_title
from tests.test_docs import ROOT, TEXTS

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHELL = {"", "bash", "sh", "console", "shell", "yaml", "ini"}
# A variable of this project by its form; others are the systems' that are named next to them.
_OWN_VARIABLE = re.compile(r"\bPROBE_[A-Z0-9_]+\b")
# Read by tests and programs besides the daemon, where the page says so.
ELSEWHERE = {"PROBE_LISTN"}  # an example of a variable that is misspelt
# It has its matchers where the newer form has a command.
OLDER_FORM = ["alerts", "silence", "MATCHES"]
# Files that a page has the reader write.
TO_WRITE = {"probe/kinds/tcp.py", "alerts/notifiers/ntfy.py"}


def commands(text: str) -> Iterator[list[str]]:
    """The words of every ``probe …`` in blocks and in code marks."""
    lines = [
        line
        for language, block in _FENCE.findall(text)
        if language in _SHELL
        for line in block.replace("\\\n", " ").splitlines()
    ]
    prose = _FENCE.sub("", text)
    lines += [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose)]
    for line in lines:
        words = re.sub(r"^\s*(?:- (?:run: )?|\$ |(?:ExecStart|command|script)[:=] ?)*", "", line)
        found = re.search(r"(?:^|[;&|] |^(?:[A-Z_]+=\S+ )+)probe( .*)?$", words)
        if found is not None:
            yield from _split(found[1] or "")


def _split(text: str) -> Iterator[list[str]]:
    """The words up to what the shell takes for itself."""
    text = re.split(r"\s(?:#|\||&&|\|\||>|>>|2>)(?:\s|$)| = ", text + " ")[0]
    try:
        yield shlex.split(text.replace("[", "").replace("]", ""))
    except ValueError:
        return


def problem(words: list[str]) -> str:
    """What is wrong with a command line; empty if it can be parsed."""
    command: click.Command = cli
    arguments, rest = 0, list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            options = {each: p for p in command.params for each in (*p.opts, *p.secondary_opts)}
            option = options.get(name)
            if name in ("--help", "--version"):
                continue
            if not isinstance(option, click.Option):
                return f"{command.name} has no {name}"
            if not equals and not option.is_flag and not option.count:
                if not rest:
                    return f"{name} takes a value"
                rest.pop(0)
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return f"{command.name} has no command {word}"
            command = command.commands[word]
        else:
            arguments += 1
    most = sum(
        each.nargs if each.nargs > 0 else 1000
        for each in command.params
        if isinstance(each, click.Argument)
    )
    return f"{command.name} takes {most} arguments, not {arguments}" if arguments > most else ""


@pytest.mark.parametrize("path", TEXTS)
def test_every_command_can_be_parsed(path: str) -> None:
    wrong = {
        " ".join(words): problem(words)
        for words in commands(TEXTS[path])
        if words[:3] != OLDER_FORM
    }
    assert {line: said for line, said in wrong.items() if said} == {}


def test_a_command_that_does_not_exist_is_found_out() -> None:
    assert problem(["lode", "--users", "10"]) == "cli has no command lode"
    assert problem(["load", "--user", "10"]) == "load has no --user"
    assert problem(["--once", "--format"]) == "--format takes a value"
    assert list(commands("```bash\nA=b probe --once | cat\n```\n`probe rules > x`")) == [
        ["--once"],
        ["rules"],
    ]
    assert sum(len(list(commands(text))) for text in TEXTS.values()) > 100


@pytest.mark.parametrize("path", TEXTS)
def test_every_variable_of_ours_is_in_the_reference(path: str) -> None:
    groups = variables_by_title(KINDS, NOTIFIERS)
    known = {field.name for fields in groups.values() for field in fields}
    named = set(_OWN_VARIABLE.findall(TEXTS[path]))
    assert named - known - {SECRETS_DIRECTORY} - ELSEWHERE == set()


@pytest.mark.parametrize("path", TEXTS)
def test_every_test_and_module_that_is_named_exists(path: str) -> None:
    files = re.findall(r"`((?:tests|probe|alerts|dashboards)/[\w/.-]*)[`:]", TEXTS[path])
    files += re.findall(r"\b(tests/[\w/]+\.py)\b", TEXTS[path])
    missing = {each for each in files if not (ROOT / each).exists()} - TO_WRITE
    modules = re.findall(r"python -m ((?:tests|probe|dashboards)[\w.]*)", TEXTS[path])
    missing |= {each for each in modules if not _is_module(each)}
    assert missing == set()


def _is_module(name: str) -> bool:
    place = ROOT / Path(*name.split("."))
    return (place / "__main__.py").exists() or place.with_suffix(".py").exists()
