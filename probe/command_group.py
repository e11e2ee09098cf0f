"""Help and mistakes of a command line with commands below commands."""

import re

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


_TO_RUN = "`probe` runs as a daemon, `probe --once` runs every check once"
_TO_VALIDATE = "`probe check-config` validates the configuration"
# What is called so by other programs, and what does it here.
_ELSEWHERE = {
    **dict.fromkeys(("run", "start", "serve", "server", "daemon", "monitor"), _TO_RUN),
    **dict.fromkeys(("once", "check", "checks"), f"{_TO_RUN}; {_TO_VALIDATE}"),
    **dict.fromkeys(("config", "validate", "lint", "configtest"), _TO_VALIDATE),
    **dict.fromkeys(("silence", "silences"), "`probe alerts silence add` adds a silence"),
    "help": "`probe --help` lists options and commands",
    "version": "`probe --version` shows the version",
    "test": f"{_TO_RUN}; `probe alerts test` sends a test notification",
    **dict.fromkeys(("--config", "--config.file"), "PROBE_CONFIG names the file"),
    **dict.fromkeys(("--port", "--listen", "--web.listen-address"), "PROBE_LISTEN=HOST:PORT"),
    **dict.fromkeys(("--url", "--target"), "FRONTEND_URL=URL is a page, BACKEND_URL=URL a backend"),
    **dict.fromkeys(("--log-level", "--log.level", "--debug"), "LOG_LEVEL=debug is a variable"),
}


def message_of(error: click.UsageError, root: click.Command) -> str:
    """What is wrong in a call, with the remedy."""
    message = error.format_message()
    if error.ctx is None or error.ctx.command is root:
        for word in re.findall(r"^No such (?:command|option) '([^']+)'", message):
            found = _ELSEWHERE["--url"] if "://" in word else _ELSEWHERE.get(word)
            if found is not None:
                return f"{message.partition('. ')[0].rstrip('.')}: {found}"
    return f"{message}{place_of_option(error, root)}{_known_commands(error)}"


def _known_commands(error: click.UsageError) -> str:
    """What there is instead of an unknown command that resembles none; else empty."""
    message, ctx = error.format_message(), error.ctx
    if not message.startswith("No such command") or "Did you mean" in message:
        return ""
    if ctx is None or not isinstance(ctx.command, click.Group):
        return ""
    return f" Known are {', '.join(ctx.command.list_commands(ctx))}."


# Those of the program that apply to its commands too; the others are of --once alone.
SHARED_OPTIONS = frozenset({"--only", "--lab", "--env-file", "--web.config.file"})


def place_of_option(error: click.UsageError, root: click.Command) -> str:
    """Where an unknown option belongs, if it is one of the program's own; else empty."""
    option = error.option_name if isinstance(error, click.NoSuchOption) else ""
    if error.ctx is None or error.ctx.command is root or not option:
        return ""
    if not any(option in parameter.opts for parameter in root.params):
        return ""
    if option not in SHARED_OPTIONS:
        run = "probe --once" if option == "--once" else f"probe --once {option} …"
        return f" It belongs to a run without a command: {run}"
    words, below = list[str](), error.ctx
    while below.parent is not None:
        words, below = [below.info_name or "", *words], below.parent
    return f" It stands before the command: probe {option} … {' '.join(words)}"
