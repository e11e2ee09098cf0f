"""``probe status``: what the daemon knows, for a terminal or a script."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from probe.commands.incidents.client import ClientError, ProbeClient, client_for, print_client_error
from probe.commands.settings_loading import print_problems, read_own_environment
from probe.commands.terminal import rewrites_lines, style_for
from probe.core.environment import ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.report.formats import Style
from probe.report.json.fields import printed
from probe.report.text.status_table import coloured, status_lines

# Of open incidents and of checks that are not ok, so many are shown in full.
MAX_INCIDENTS = 10
NOT_OK = ("critical", "warning", "unknown")
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


def run(options: Mapping[str, Any], *, url: str, as_json: bool, every: float | None) -> int:
    """Show it once, or ``every`` so many seconds until interrupted; 74 if no daemon answers."""
    try:
        client = client_for(read_own_environment(options), url)
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    style = style_for(sys.stdout, os.environ)
    return asyncio.run(_repeat(client, style, as_json=as_json, every=every))


async def _repeat(client: ProbeClient, style: Style, *, as_json: bool, every: float | None) -> int:
    while True:
        code = await _show(client, style, as_json=as_json, clears=every is not None)
        if every is None:
            return code
        await asyncio.sleep(every)


async def _show(client: ProbeClient, style: Style, *, as_json: bool, clears: bool) -> int:
    try:
        if as_json:
            click.echo(printed(await client.get("/status"), indent=None), nl=False)
            return 0
        text = await _text(client, style)
    except ClientError as error:
        return print_client_error(error)
    if clears and rewrites_lines(sys.stdout, os.environ):
        click.echo(_HOME_AND_CLEAR, nl=False)
    click.echo(text)
    return 0


async def _text(client: ProbeClient, style: Style) -> str:
    status = await client.get("/status")
    incidents = [
        await client.get(f"/incidents/{each['id']}") for each in status["incidents"][:MAX_INCIDENTS]
    ]
    checks = []
    for verdict in NOT_OK:
        checks += (await client.get("/checks", {"verdict": verdict}))["items"]
    lines = status_lines(status, incidents, checks, width=style.width)
    return "\n".join(coloured(line, verdict, colour=style.colour) for line, verdict in lines)
