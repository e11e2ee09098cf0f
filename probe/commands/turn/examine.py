"""``probe turn URL``: any TURN server, without configuration, on one screen."""

import asyncio
from importlib.metadata import version
from pathlib import Path

import click
from pydantic import SecretStr

from probe.core.context import Context
from probe.exit_codes import USAGE_ERROR
from probe.stun.credentials import TimeLimited, TurnCredentials
from probe.turn_report.examination import Options, examine
from probe.turn_report.findings import Finding, FindingStatus, worst
from probe.turn_report.names import Target, read_target
from probe.turn_report.rendering import as_json, as_text

CRITICAL = 2


def run(
    url: str,
    *,
    user: str | None,
    password: str | None,
    secret: str | None,
    ca_file: Path | None,
    format_: str,
    step: float,
    throughput: bool,
) -> int:
    """Examine one server and print what was found; returns the exit code."""
    context = Context()
    try:
        target = read_target(url)
        credentials = _credentials(user, password, secret, context.now())
    except ValueError as error:
        click.echo(f"Error: {error}", err=True)
        return USAGE_ERROR
    options = Options(credentials, ca_file, step, throughput)
    findings = asyncio.run(_collect(target, options, context))
    shown = url.rpartition("@")[2]
    if format_ == "json":
        text = as_json(shown, findings, version("paircam-probe"))
    else:
        text = as_text(shown, findings)
    click.echo(text, nl=False)
    return CRITICAL if worst(findings) is FindingStatus.CRITICAL else 0


async def _collect(target: Target, options: Options, context: Context) -> list[Finding]:
    try:
        return [finding async for finding in examine(target, options, context)]
    finally:
        await context.closing.drain(timeout=2.0)


def _credentials(
    user: str | None, password: str | None, secret: str | None, now: float
) -> TurnCredentials | None:
    if user is not None and password is not None:
        return TurnCredentials(user, SecretStr(password))
    if secret is not None:
        return TimeLimited(SecretStr(secret)).at(now)
    if user is not None or password is not None:
        raise ValueError("give both --user and --password, or --secret, or neither")
    return None
