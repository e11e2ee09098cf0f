"""One process of several that share a load: ``python -m probe.commands.load.worker``.

It reads its share from stdin and the configuration from where the command does, begins at
``go``, ends at ``stop`` or when stdin closes, and writes its statistics to stdout.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from probe.commands.settings_loading import settings_for
from probe.core.context import Context
from probe.core.environment import ConfigurationError
from probe.diagnostics.redact import Redactor
from probe.load.distributed.workers import START
from probe.load.generator import Generator, LoadRequest, preload
from probe.load.plan import LoadPlan, Spending, divide, divide_spending
from probe.load.target import target_of
from probe.untrusted.text import redacting

REPORT_SECONDS = 2.0


def command() -> list[str]:
    """What starts a worker."""
    return [sys.executable, "-m", "probe.commands.load.worker"]


def share_documents(
    request: LoadRequest,
    workers: int,
    options: Mapping[str, Any],
    lab: Mapping[str, str] | None,
) -> list[dict[str, Any]]:
    """The first line for each worker. No other process knows the lab's secrets."""
    plans = divide(request.plan, workers)
    limits = divide_spending(request.limit, len(plans))
    known = {name: _plain(value) for name, value in options.items()}
    return [
        {
            "plan": asdict(plan),
            "limit": asdict(limit),
            "owned": request.owns_target,
            "options": known,
            "lab": dict(lab) if lab is not None else None,
        }
        for plan, limit in zip(plans, limits, strict=True)
    ]


def request_of(document: Mapping[str, Any]) -> tuple[LoadRequest, tuple[str, ...]]:
    """The share, and all secrets of the configuration. Raises ConfigurationError."""
    options = {
        **document["options"],
        "only": tuple(document["options"]["only"]),
        "require": tuple(document["options"]["require"]),
    }
    for name in ("env_file", "web_config_file"):
        options[name] = Path(options[name]) if options[name] is not None else None
    settings = settings_for(options, document["lab"])
    plan = msgspec.convert(document["plan"], LoadPlan)
    request = LoadRequest(
        plan,
        target_of(settings.plan, plan),
        msgspec.convert(document["limit"], Spending),
        owns_target=bool(document["owned"]),
    )
    return request, settings.secrets


def _plain(value: object) -> Any:
    return str(value) if isinstance(value, Path) else value


def _write_message(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _work(document: Mapping[str, Any]) -> None:
    request, secrets = request_of(document)
    redact = Redactor(secrets).clean
    with redacting(redact):
        generator = Generator(request, Context(redact=redact))
        preload()
        commands = await _commands()
        _write_message({"ready": True})
        if await commands.readline() != START:
            return
        listening = asyncio.create_task(_stop_at_next_command(commands, generator))
        reporting = asyncio.create_task(_report(generator))
        try:
            await generator.run()
        finally:
            for task in (listening, reporting):
                task.cancel()
            await asyncio.gather(listening, reporting, return_exceptions=True)
        _write_message({"statistics": generator.update().dump(), "final": True})


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def _stop_at_next_command(commands: asyncio.StreamReader, generator: Generator) -> None:
    """A word is ``stop``; without one the process that began this is gone."""
    await commands.readline()
    generator.stop("interrupted")


async def _report(generator: Generator) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        _write_message({"statistics": generator.update().dump()})


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        line = stdin.readline()
    try:
        asyncio.run(_work(json.loads(line)))
    except ConfigurationError as error:
        _write_message({"error": "; ".join(str(each) for each in error.problems)})
    except BrokenPipeError:
        # The process that began this is gone.
        os._exit(1)


if __name__ == "__main__":
    main()
