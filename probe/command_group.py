"""Help and mistakes of a command line with commands below commands."""

import click

# Click cuts what is longer than the rest of a line; here it goes on in the next one.
_WHOLE_SENTENCE = 1000


class CommandGroup(click.Group):
    """Lists its commands with the whole first sentence of each."""

    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(_WHOLE_SENTENCE))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def known_commands(error: click.UsageError) -> str:
    """What there is instead of an unknown command that resembles none; else empty."""
    message, ctx = error.format_message(), error.ctx
    if not message.startswith("No such command") or "Did you mean" in message:
        return ""
    if ctx is None or not isinstance(ctx.command, click.Group):
        return ""
    return f" Known are {', '.join(ctx.command.list_commands(ctx))}."


def place_of_option(error: click.UsageError, root: click.Command) -> str:
    """Where an unknown option belongs, if it is one of the program's own; else empty."""
    option = error.option_name if isinstance(error, click.NoSuchOption) else ""
    if error.ctx is None or error.ctx.command is root or not option:
        return ""
    if not any(option in parameter.opts for parameter in root.params):
        return ""
    words, below = list[str](), error.ctx
    while below.parent is not None:
        words, below = [below.info_name or "", *words], below.parent
    return f" It stands before the command: probe {option} … {' '.join(words)}"
