"""What the README says of causes, kinds, configuration and commands is so."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from alerts.notifiers import NOTIFIERS
from alerts.settings import read_alerting
from probe.cli import cli
from probe.config.check_plan import make_plan
from probe.config.settings import ProbeEnvironment
from probe.core.causes import HINTS, NOT_RETRYABLE, Cause
from probe.core.environment import SECRETS_DIRECTORY, Environment, Variables
from probe.kinds import KINDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next."""
    return re.split(r"^#+ ", README.split(f"# {title}\n")[1], flags=re.MULTILINE)[0]


def test_every_cause_is_listed_and_has_a_hint() -> None:
    assert set(re.findall(r"`(\w+)`", section("Causes"))) == set(Cause)
    assert set(HINTS) == set(Cause)
    assert set(Cause) >= NOT_RETRYABLE


def test_every_kind_is_described() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("What it checks"), flags=re.MULTILINE)
    assert rows == [kind.name for kind in KINDS]
    intervals = re.findall(r"^\| `\w+` \| (\d+) s", section("What it checks"), flags=re.MULTILINE)
    assert [float(interval) for interval in intervals] == [kind.interval for kind in KINDS]


def test_every_notifier_is_described() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("Being told"), flags=re.MULTILINE)
    assert rows == [notifier.name for notifier in NOTIFIERS]


def test_the_example_of_windows_and_routes_is_right() -> None:
    _, text = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    variables = Variables({"SLACK_WEBHOOK": "https://example.org/x"})
    plan, mistakes = read_alerting(variables, tomllib.loads(text), Path("probe.toml"))
    assert mistakes == []
    assert plan.windows
    assert plan.own_routes


def test_the_example_configuration_is_right() -> None:
    text, _ = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    variables = {"BACKEND_URL": "https://paircam.live", "EU_TURN_PASSWORD": "x"}
    plan = make_plan(KINDS, Variables(variables), tomllib.loads(text))
    names = {check.name for check in plan.checks}
    assert {"health", "status-page", "turn-eu-udp", "signaling-polling"} <= names


def test_every_option_that_is_named_exists() -> None:
    options = {name for parameter in cli.params for name in parameter.opts}
    commands = [*cli.commands.values()]
    for command in commands:
        commands += command.commands.values() if isinstance(command, click.Group) else ()
        options |= {name for parameter in command.params for name in parameter.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section("The command line")))
    assert named <= options
    assert {name for name in options - named if name.startswith("--")} <= {"--version"}


def test_the_example_of_the_environment_names_every_variable() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE))
    environments: list[type[Environment]] = [ProbeEnvironment]
    environments += [kind.environment for kind in KINDS]
    environments += [notifier.environment for notifier in NOTIFIERS]
    read = {name for environment in environments for name in environment.variable_names()}
    assert read - named == {"FLY_REGION"}  # Fly sets it
    assert named <= read
    assert SECRETS_DIRECTORY in example


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "test",
        "parts",
        "check",
        "proof",
        "bench",
        "bench-daemon",
        "bench-page",
        "bench-rtc",
        "dashboards",
        "lock",
    ],
)
def test_every_make_target_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE)
    assert f"`make {name}`" in README or f"make {name} " in README
