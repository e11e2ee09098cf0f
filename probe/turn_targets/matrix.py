"""The matrix of checks that the variables give: provider, transport, address family.

Every kind of TURN check plans the same matrix; what differs is its name and how often it
can afford to run.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from probe.core.kind import DerivedChecks
from probe.stun.credentials import Static, TimeLimited
from probe.stun.uri import TRANSPORTS, TransportProtocol
from probe.turn.resolve import Family
from probe.turn_targets.environment import (
    ISSUED,
    ISSUER_FIELDS,
    METERED,
    ConfiguredTurnServer,
    TurnEnvironment,
    named,
    servers_of,
)
from probe.turn_targets.issuers import ISSUERS

HostTransport = tuple[str, TransportProtocol]
"""A host, and the transport to it."""


class IntervalPolicy(Protocol):
    """How often each of one provider's places can be looked at, in seconds."""

    def __call__(self, places: Sequence[HostTransport], /) -> Sequence[float]: ...


def turn_checks(kind: str, environment: TurnEnvironment, pace: IntervalPolicy) -> DerivedChecks:
    """A table for each configured server by every transport and family that is asked for, for
    each issuer's by every transport, and one for what the application issues."""
    found = servers_of(environment)
    tables = [*_configured(kind, found.servers, environment, pace)]
    skipped = list(found.skipped)
    if environment.metered_api_key is None:
        skipped.append("METERED_API_KEY is not set (credentials from Metered)")
    elif environment.metered_base is None:
        skipped.append("METERED_APP is not set (credentials from Metered)")
    else:
        account = {"metered_url": environment.metered_base, "api_key": environment.metered_api_key}
        tables += _by_each_way(kind, METERED, account, pace)
    for issuer in ISSUER_FIELDS:
        keys = environment.issuer_keys(issuer)
        missing = [key for key in ISSUERS[issuer].needs if key not in keys]
        if keys and not missing:
            tables += _of_issuer(kind, issuer, keys, pace)
        elif keys:
            name, title = environment.issuer_variable(issuer, missing[0]), ISSUERS[issuer].title
            skipped.append(f"{name} is not set (credentials from {title})")
    if environment.backend_url is not None:
        tables.append(issued_table(f"{kind}-{ISSUED}", environment))
    else:
        skipped.append("BACKEND_URL is not set (credentials that it issues)")
    return DerivedChecks(tables, skipped, _defaults(environment))


def _defaults(environment: TurnEnvironment) -> dict[str, Any]:
    """What holds for every check of a server."""
    return {"ca_file": environment.ca_file, "user_quota": environment.user_quota}


def server_table(name: str, server: ConfiguredTurnServer) -> dict[str, Any]:
    """The raw table of a check of one configured server."""
    table: dict[str, Any] = {
        "name": name,
        "provider": server.provider,
        "url": str(server.url),
    }
    match server.source:
        case Static(credentials):
            table |= {"username": credentials.username, "password": credentials.password}
        case TimeLimited(secret):
            table["shared_secret"] = secret
    return table


def issued_table(name: str, environment: TurnEnvironment) -> dict[str, Any]:
    """The raw table of a check of what the backend issues."""
    return {
        "name": name,
        "provider": ISSUED,
        "backend_url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
        "origin": environment.origin,
    }


def _configured(
    kind: str,
    servers: tuple[ConfiguredTurnServer, ...],
    environment: TurnEnvironment,
    pace: IntervalPolicy,
) -> Iterator[dict[str, Any]]:
    matrix = [
        (name, server, family)
        for name, server in named(servers)
        for family in environment.requested_families
        if _has_family(server.url.host, family)
    ]
    for provider in dict.fromkeys(server.provider for server in servers):
        own = [entry for entry in matrix if entry[1].provider == provider]
        intervals = pace([(server.url.host, server.url.kind) for _, server, _ in own])
        for (name, server, family), interval in zip(own, intervals, strict=True):
            suffix = f"-{family}" if family else ""
            table = server_table(f"{kind}-{name}{suffix}", server)
            yield table | {"interval": interval} | ({"family": family} if family else {})


def _of_issuer(
    kind: str, issuer: str, keys: Mapping[str, Any], pace: IntervalPolicy
) -> Iterator[dict[str, Any]]:
    """A table for each way in, or one for a list that is checked as browsers use it."""
    account = {"issuer": issuer, **keys}
    if ISSUERS[issuer].ways is not None:
        yield from _by_each_way(kind, issuer, account, pace)
        return
    yield {"name": f"{kind}-{issuer}", "provider": issuer, **account}


def _by_each_way(
    kind: str, issuer: str, account: Mapping[str, Any], pace: IntervalPolicy
) -> Iterator[dict[str, Any]]:
    """An issuer's answer names its servers by every transport that it has."""
    transports = ISSUERS[issuer].ways or TRANSPORTS
    intervals = pace([(issuer, transport) for transport in transports])
    for transport, interval in zip(transports, intervals, strict=True):
        name = f"{kind}-{issuer}-{transport}"
        table = {
            "name": name,
            "provider": issuer,
            **account,
            "way": transport,
            "interval": interval,
        }
        yield table


def _has_family(host: str, family: Family | None) -> bool:
    """Whether a host may have addresses of the family: a name any, an address its own."""
    try:
        return family in (None, f"ipv{ipaddress.ip_address(host).version}")
    except ValueError:
        return True
