"""``probe lab``: the built-in stack, on its own, until it is interrupted."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from probe.net.flow import aiohttp_import  # noqa: F401  before whatever imports aiohttp

# isort: split

from probe.commands.atomic_file import write_file
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.lab import Lab


def run(settings: Sequence[str], *, list_knobs: bool, write_env: Path | None) -> int:
    """Run the lab; returns the exit code."""
    if list_knobs:
        for name, values, meaning in Lab().knob_names():
            click.echo(f"{name:28} {values:34} {meaning}")
        return 0
    try:
        return asyncio.run(_serve(settings, write_env))
    except ValueError as error:
        click.echo(f"probe: --set {error}", err=True)
        return USAGE_ERROR
    except OSError as error:
        click.echo(f"probe: {error.filename or 'lab'}: {error.strerror or error}", err=True)
        return USAGE_ERROR


async def _serve(settings: Sequence[str], write_env: Path | None) -> int:
    lab = Lab()
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise ValueError(f"{setting}: write KNOB=VALUE")
        lab.set_knob(name, value)
    async with lab:
        if not _write_environment(lab.shared_environment(), write_env):
            return OUTPUT_ERROR
        click.echo("# the lab is up; stop it with Ctrl-C", err=True)
        await _interrupted()
    return 0


def _write_environment(environment: Mapping[str, str], write_env: Path | None) -> bool:
    """What the lab listens on, as a file that ``--env-file`` reads; whether it was written."""
    text = "".join(f"{name}={value}\n" for name, value in environment.items())
    if write_env is not None:
        return write_file(write_env, text)
    click.echo(text, nl=False)
    return True


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
