"""Servers and credentials of a provider's account, for ``probe turn --credentials``."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from pydantic import SecretStr

from probe.core.context import Context
from probe.core.environment import EnvironmentSources, read_environment
from probe.core.model import CheckAborted
from probe.stun.browser_uri import blocked_port
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TRANSPORTS, TurnUri
from probe.turn_report.examination import Options
from probe.turn_report.findings import Finding, failed, ok
from probe.turn_targets.environment import METERED, TurnEnvironment
from probe.turn_targets.issuers import ISSUERS
from probe.turn_targets.issuers.account import IssuerAccount
from probe.turn_targets.issuers.client import issued_by
from probe.turn_targets.issuers.ice_servers import IceServer


class NamedAccount(Struct, frozen=True):
    """An account, and the issuer that it is one of."""

    issuer: str
    account: IssuerAccount


class Issued(Struct, frozen=True):
    """What the provider answered; without credentials the finding is a failure."""

    finding: Finding
    credentials: TurnCredentials | None = None
    urls: tuple[TurnUri, ...] = ()


def account_of(issuer: str) -> NamedAccount:
    """The account that the variables (or ``.env``) name.

    Raises ValueError that names a variable which is missing, ConfigurationError for wrong ones.
    """
    sources = EnvironmentSources(os.environ, Path(".env"))
    environment = read_environment(TurnEnvironment, sources.load(TurnEnvironment.variable_names()))
    if issuer == METERED:
        base, key = environment.metered_base, environment.metered_api_key
        if base is None or key is None:
            missing = "METERED_APP" if base is None else "METERED_API_KEY"
            raise ValueError(f"{missing} is not set, which --credentials metered needs")
        return NamedAccount(issuer, IssuerAccount(base, key=key))
    keys, known = environment.issuer_keys(issuer), ISSUERS[issuer]
    for key_name in known.needs:
        if key_name not in keys:
            variable = environment.issuer_variable(issuer, key_name)
            raise ValueError(f"{variable} is not set, which --credentials {issuer} needs")
    account = IssuerAccount(
        keys.get("issuer_url") or SecretStr(known.default_url),
        keys.get("account", ""),
        keys.get("channel", ""),
        keys.get("api_key") or SecretStr(""),
    )
    return NamedAccount(issuer, account)


async def request_issued(named: NamedAccount, options: Options, context: Context) -> Issued:
    """Servers and credentials, requested from the issuer."""
    title = ISSUERS[named.issuer].title
    started = context.clock()
    servers = issued_by(named.issuer, named.account, context)
    try:
        found = await servers.get(options.ca_file, options.step)
    except CheckAborted as error:
        return Issued(failed("credentials", error))
    seconds = context.clock() - started
    listed = [str(each.url) for each in found]
    summary = f"{title} names {', '.join(listed)} in {1000 * seconds:.0f} ms"
    urls = tuple(each.url for each in _one_by_each_way(found))
    finding = ok("credentials", summary, urls=listed, seconds=seconds)
    return Issued(finding, found[0].credentials, urls)


def _one_by_each_way(servers: Sequence[IceServer]) -> Iterator[IceServer]:
    """The first by each transport, where there is a choice one whose port browsers ask."""
    for way in TRANSPORTS:
        fitting = [each for each in servers if each.url.kind == way]
        usable = [each for each in fitting if not blocked_port(each.url)]
        yield from (usable or fitting)[:1]
