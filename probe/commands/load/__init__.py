"""The command line of ``probe load``; the command itself is imported when it is called."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from probe.commands.silence.parameters import Number

# What the extra `load` of pyproject.toml brings has no build for every machine.
INSTALL = "pip install 'paircam-probe[load] @ git+https://github.com/paircam/probe'"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_LONGEST = 7 * 86400.0


class Span(click.ParamType[float]):
    """A time such as 500ms, 1.5s, 60s, 5m, 2h; a number alone is seconds."""

    name = "TIME"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Seconds."""
        found = _TIME.fullmatch(str(value).strip())
        seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else -1.0
        if seconds < 0 or seconds > _LONGEST or (seconds == 0 and not self._zero):
            self.fail(f"'{value}' is not a time of at most 7d: write 500ms, 60s or 5m", param, ctx)
        return seconds


class Rate(click.ParamType[float]):
    """Iterations per second."""

    name = "RATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """A number above 0 and at most 100,000."""
        try:
            rate = float(value)
        except ValueError:
            rate = 0.0
        if not 0 < rate <= 100_000:
            self.fail(f"'{value}' is not a number of iterations per second above 0", param, ctx)
        return rate


class Steps(click.ParamType[tuple[str, ...]]):
    """NAME[,NAME], as a tuple."""

    name = "NAME[,NAME]"

    def convert(self, value: object, param: object, ctx: object) -> tuple[str, ...]:
        """Names of steps, which the command checks."""
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(","))


@click.command("load")
@click.option(
    "--users",
    type=Number(1, 100_000),
    default=10,
    show_default=True,
    help="Synthetic users at the same time.",
)
@click.option(
    "--for",
    "duration",
    type=Span(),
    default="60s",
    show_default=True,
    help="How long new iterations start.",
)
@click.option(
    "--rate",
    type=Rate(),
    help="Open model: iterations per second by a schedule, whatever the target's speed.",
)
@click.option(
    "--ramp",
    type=Span(zero=True),
    help="Time over which users arrive.  [default: a tenth of --for, at most 30s]",
)
@click.option(
    "--think",
    type=Span(zero=True),
    default="1s",
    show_default=True,
    help="Mean pause of a user between iterations (closed model).",
)
@click.option(
    "--steps",
    type=Steps(),
    default=(),
    help="Only these: health, token, session, round_trip, credentials, call.",
)
@click.option(
    "--journey",
    is_flag=True,
    help="Match two users through the application instead of a call of their own.",
)
@click.option(
    "--round-trips",
    type=Number(1, 1000),
    default=3,
    show_default=True,
    help="Signaling round trips in each session.",
)
@click.option("--timeout", type=Span(), default="10s", show_default=True, help="For each step.")
@click.option("--max-requests", type=Number(min=0), help="Budget of HTTP requests.")
@click.option(
    "--max-redis-commands",
    type=Number(min=0),
    help="Budget of Redis commands behind the backend.",
)
@click.option("--max-turn-bytes", type=Number(min=0), help="Budget of bytes through TURN servers.")
@click.option(
    "--workers",
    type=Number(1, 256),
    default=1,
    show_default=True,
    help="Processes that share the load.",
)
@click.option(
    "--coordinator",
    metavar="URL",
    help="redis://… by which several machines share the load: as many as --workers.",
)
@click.option(
    "--join", is_flag=True, help="Take a share of a load test that another machine has started."
)
@click.option(
    "--yes-i-own-this", "owned", is_flag=True, help="Allow more than 50 users, or a public target."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "junit", "html"]),
    default="table",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file, and the table to stdout.",
)
@click.pass_obj
def load(options: dict[str, Any], /, **chosen: Any) -> None:
    """Run a load test with synthetic users, within a stated budget.

    Each user goes through all steps: health, token, Socket.IO session, round trips, TURN
    credentials, a relayed call. Exit code 0: every objective is met, 2: one is missed, 3: not
    decided, 130: interrupted.
    """
    if find_spec("hdrh") is None:
        raise click.UsageError(f"load needs the extra of that name: {INSTALL}")
    from probe.commands.load import run

    sys.exit(run.run(options, run.LoadOptions(**chosen)))
