"""``probe status --export``: the public status page as files, for a web server or a CDN, where it
stands when the probe doesn't."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from probe.commands.atomic_file import encoded
from probe.commands.incidents.client import ClientError, ProbeClient, client_for, print_client_error
from probe.commands.settings_loading import print_problems, read_own_environment
from probe.core.environment import ConfigurationError
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.storage.output_file import write_output

INDEX = "index.html"
_NAME = re.compile(r"(badge/)?[A-Za-z0-9%._~-]+\.(html|svg)")


def run(options: Mapping[str, Any], folder: Path, *, url: str, every: float | None) -> int:
    """Write the files once, or ``every`` so many seconds until interrupted. 74 if no daemon
    answers or a file can't be written; what was written before stays."""
    try:
        client = client_for(read_own_environment(options), url)
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    return asyncio.run(_repeat(client, folder, every))


async def _repeat(client: ProbeClient, folder: Path, every: float | None) -> int:
    while True:
        code = await _export(client, folder)
        if every is None:
            return code
        await asyncio.sleep(every)


async def _export(client: ProbeClient, folder: Path) -> int:
    try:
        files = _checked(await client.get("/status-page"))
        await asyncio.to_thread(_write, folder, files)
    except ClientError as error:
        return print_client_error(error)
    except OSError as error:
        where = error.filename or folder
        click.echo(f"probe: {where} can't be written: {error.strerror or error}", err=True)
        return OUTPUT_ERROR
    click.echo(f"{folder / INDEX} and {len(files) - 1} badges are written")
    return 0


def _checked(answer: object) -> dict[str, str]:
    """Files with harmless names. Raises ClientError."""
    files = answer.get("files") if isinstance(answer, dict) else None
    if not isinstance(files, dict) or INDEX not in files:
        raise ClientError("the answer is not a status page; is it a probe of this version?")
    for name, text in files.items():
        if not isinstance(text, str) or _NAME.fullmatch(name) is None or ".." in name:
            raise ClientError(f"the answer has a file that is not one of ours: {name!r:.80}")
    return files


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Each file is replaced as a whole, the page last: what it shows is there by then."""
    for name in sorted(files, key=lambda each: each == INDEX):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_output(path, encoded(files[name]), mode=0o644)
