"""``probe turn URL``: any TURN server, without configuration, on one screen."""

import asyncio
from dataclasses import dataclass, field
from importlib.metadata import version

import click
from msgspec.structs import replace
from pydantic import SecretStr

from probe.commands.turn.issued import NamedAccount, account_of, request_issued
from probe.core.context import Context
from probe.core.environment import ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.stun.credentials import TimeLimited, TurnCredentials
from probe.turn_report.examination import Options, examine
from probe.turn_report.findings import Finding, FindingStatus, worst
from probe.turn_report.names import Target, read_target
from probe.turn_report.rendering import as_json, as_text
from probe.turn_targets.issuers import ISSUERS

CRITICAL = 2


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """Who we are, as the command line gives it: a name and a password, or a shared secret."""

    user: str | None
    password: str | None = field(repr=False)
    secret: str | None = field(repr=False)

    def at(self, now: float) -> TurnCredentials | None:
        """The credentials at a moment, in seconds since 1970; None where nothing was given.

        Raises ValueError where a half is missing.
        """
        if self.user is not None and self.password is not None:
            return TurnCredentials(self.user, SecretStr(self.password))
        if self.secret is not None:
            return TimeLimited(SecretStr(self.secret)).at(now)
        if self.user is not None or self.password is not None:
            raise ValueError("give both --user and --password, or --secret, or neither")
        return None


def run(
    url: str | None, *, issuer: str | None, login: CredentialOptions, options: Options, form: str
) -> int:
    """Examine one server, or those of an issuer, and print what was found; the exit code."""
    context = Context()
    try:
        if url is None and issuer is None:
            raise ValueError("give a URL, or --credentials with the provider that names servers")
        target = read_target(url) if url is not None else Target(())
        credentials = login.at(context.now())
        account = account_of(issuer) if issuer is not None else None
    except (ValueError, ConfigurationError) as error:
        click.echo(f"probe: {error}", err=True)
        return USAGE_ERROR
    options = replace(options, credentials=credentials)
    findings = asyncio.run(_collect(target, options, account, context))
    shown = url.rpartition("@")[2] if url is not None else ISSUERS[issuer or ""].title
    if form == "json":
        text = as_json(shown, findings, version("paircam-probe"))
    else:
        text = as_text(shown, findings)
    click.echo(text, nl=False)
    return CRITICAL if worst(findings) is FindingStatus.CRITICAL else 0


async def _collect(
    target: Target, options: Options, account: NamedAccount | None, context: Context
) -> list[Finding]:
    found: list[Finding] = []
    try:
        if account is not None:
            issued = await request_issued(account, options, context)
            found.append(issued.finding)
            if issued.credentials is None:
                return found
            options = replace(options, credentials=issued.credentials)
            target = target if target.urls else Target(issued.urls)
        return [*found, *[finding async for finding in examine(target, options, context)]]
    finally:
        await context.closing.drain(timeout=2.0)
