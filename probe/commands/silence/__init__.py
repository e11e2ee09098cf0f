"""The command line of ``probe alerts silence``; the code is imported when it is called."""

import os
import sys
from typing import Any

import click

from probe.command_group import CommandGroup
from probe.commands.silence.parameters import Duration, Hours


class SilenceGroup(CommandGroup):
    """Arguments that are not a subcommand are matchers, for backward compatibility."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The group itself has none: those that it declares are the options of ``once``."""
        return [each for each in super().get_params(ctx) if each not in self.params]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """``silence health …`` is ``silence once health …``."""
        if args and self.get_command(ctx, args[0]) is None:
            return super().resolve_command(ctx, ["once", *args])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options may stand before the matchers."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and args[0] not in ctx.help_option_names:
            args = ["once", *args]
        return super().parse_args(ctx, args)


_URL = click.option("--url", default="", help="URL of the daemon's pages; needs its token.")
_FORCE = click.option("--force", is_flag=True, help="Add it even if nothing matches now.")
_AUTHOR = click.option(
    "--author", "-a", default=lambda: os.environ.get("USER", ""), help="The author, who is shown."
)


@click.group("silence", cls=SilenceGroup)
def silence() -> None:
    """Suppress notifications: add, list, expire (as amtool silence)."""


@silence.command("add")
@click.argument("matchers", nargs=-1)
@click.option("--duration", "-d", type=Duration(), default="1h", show_default=True)
@click.option("--comment", "-c", required=True, help="The reason, which is shown.")
@_AUTHOR
@_URL
@_FORCE
@click.pass_obj
def silence_add(
    options: dict[str, Any],
    matchers: tuple[str, ...],
    duration: float,
    comment: str,
    author: str,
    url: str,
    force: bool,
) -> None:
    """Suppress alerts that meet all MATCHERS: name=value, name!=value, name=~regex, name!~regex
    (check, kind, severity, rule, cause, region and the checks' labels), or check names, kinds
    and label values, of which one has to match (turn-* works). '*' is everything.
    """
    from probe.commands.silence import actions

    place = actions.SilenceTarget(url, force)
    code = actions.add(options, place, matchers, comment=comment, author=author, seconds=duration)
    sys.exit(code)


@silence.command("list")
@_URL
@click.pass_obj
def silence_list(options: dict[str, Any], url: str) -> None:
    """List silences that have not expired."""
    from probe.commands.silence import actions

    sys.exit(actions.show(options, actions.SilenceTarget(url)))


@silence.command("expire")
@click.argument("names", nargs=-1, required=True)
@_URL
@click.pass_obj
def silence_expire(options: dict[str, Any], names: tuple[str, ...], url: str) -> None:
    """End the silences of these NAMES, or those made with one of these matchers."""
    from probe.commands.silence import actions

    sys.exit(actions.expire(options, actions.SilenceTarget(url), names))


@silence.command("once", hidden=True)
@click.argument("matches", nargs=-1)
@click.option(
    "--reason", "--comment", "-c", "reason", required=True, help="The reason, which is shown."
)
@_AUTHOR
@click.option("--hours", type=Hours(), default=None, help="For how many hours.")
@click.option("--duration", "-d", type=Duration(), default=None, help="For how long.")
@_URL
@_FORCE
@click.pass_obj
def silence_once(
    options: dict[str, Any],
    matches: tuple[str, ...],
    reason: str,
    author: str,
    hours: float | None,
    duration: float | None,
    url: str,
    force: bool,
) -> None:
    """The same as add; --reason and --hours are its older options."""
    from probe.commands.silence import actions

    if hours is not None and duration is not None:
        raise click.UsageError("--hours and --duration say the same: keep one of them")
    seconds = duration or (hours or 1.0) * 3600.0
    place = actions.SilenceTarget(url, force, lenient=True)
    sys.exit(actions.add(options, place, matches, comment=reason, author=author, seconds=seconds))


# The options from before there were subcommands; ``add`` has the current names.
silence.params = [
    each for each in silence_once.params if each.name in ("matches", "reason", "author", "hours")
]


@click.command("unsilence")
@click.argument("name")
@_URL
@click.pass_obj
def unsilence(options: dict[str, Any], name: str, url: str) -> None:
    """End the silence of this NAME, or those made with this matcher (as silence expire)."""
    from probe.commands.silence import actions

    sys.exit(actions.expire(options, actions.SilenceTarget(url), (name,)))
