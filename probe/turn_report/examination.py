"""Everything about one TURN server, in the order in which one step makes the next possible."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.net.protocol.tls_chain import chain_of
from probe.net.resolver import Address
from probe.net.tls.contexts import client_context
from probe.stun.binding import binding_request
from probe.stun.browser_uri import blocked_port
from probe.stun.credentials import TurnCredentials
from probe.stun.transport import untimed
from probe.stun.transport.refusals import naming_refusal
from probe.stun.uri import TurnUri, format_hostport
from probe.turn.client import TurnClient
from probe.turn.resolve import resolve_turn_server
from probe.turn_report.dtls import dtls_finding
from probe.turn_report.findings import Finding, FindingStatus, failed, ok, skipped, warning
from probe.turn_report.names import Target, service_records
from probe.turn_report.relay_findings import of_relay
from probe.turn_report.relaying import Server, is_public
from probe.untrusted.text import one_line

_DAY = 86400.0
_EXPIRY_WARNING = 14 * _DAY


class Options(Struct, frozen=True):
    """Who we are there, and how long a step may take, in seconds."""

    credentials: TurnCredentials | None
    ca_file: Path | None
    step: float
    throughput: bool


async def examine(target: Target, options: Options, context: Context) -> AsyncIterator[Finding]:
    """The findings, as they come."""
    urls = list(target.urls)
    if target.srv_name:
        found, more = await service_records(target.srv_name, options.step)
        yield found
        urls += [url for url in more if url not in urls]
    for url in urls:
        async for finding in _of_url(url, options, context):
            yield finding


async def _of_url(url: TurnUri, options: Options, context: Context) -> AsyncIterator[Finding]:
    shown = str(url)
    if blocked_port(url):
        error = CheckFailed(Cause.PORT_BLOCKED, f"browsers block port {url.port}")
        yield failed("url", error, shown)
    try:
        async with _within(options.step, f"{url.host} is not resolved"):
            addresses = await resolve_turn_server(url, None)
    except CheckAborted as error:
        yield failed("dns", error, shown)
        return
    listed = [address.ip for address in addresses]
    yield ok("dns", ", ".join(listed), shown, addresses=listed)
    if url.kind == "tls":
        yield await dtls_finding(
            url, addresses[0], ca_file=options.ca_file, seconds=options.step, now=context.now()
        )
    reached = []
    for address in addresses[:4]:
        client = TurnClient(url, None, clock=context.clock, now=context.now)
        finding = await _reach(client, address, options, context)
        yield finding
        if finding.status is not FindingStatus.CRITICAL:
            reached.append(address)
            async for more in _first_contact(client, address, options, context):
                yield more
        await context.closing.close(client.close(), timeout=1.5)
    if not reached:
        return
    if options.credentials is None:
        yield skipped(
            "relay", "no credentials were given: --user and --password, or --secret", shown
        )
        return
    server = Server(url, reached, options.credentials, options.ca_file, context)
    async for finding in of_relay(server, options.step, throughput=options.throughput):
        yield finding


async def _reach(
    client: TurnClient, address: Address, options: Options, context: Context
) -> Finding:
    """Connect, and Allocate without credentials, which has to be refused with 401."""
    url, place = client.url, format_hostport(address.ip, address.port)
    tls = None
    if url.kind == "tls":
        tls = await asyncio.to_thread(client_context, options.ca_file)
    started = context.clock()
    try:
        with naming_refusal(lambda: client.refusal):
            async with _within(options.step, f"{place} does not answer by {url.kind}"):
                await client.open([address], untimed, tls)
    except CheckAborted as error:
        if error.cause is Cause.CREDENTIALS_MISSING:
            milliseconds = 1000 * (context.clock() - started)
            summary = f"{place} answers by {url.kind} in {milliseconds:.1f} ms"
            return ok(
                "reachable", summary, str(url), address=address.ip, seconds=milliseconds / 1000
            )
        return failed("reachable", error, str(url), address=address.ip)
    return ok("reachable", f"{place} answers by {url.kind}", str(url), address=address.ip)


async def _first_contact(
    client: TurnClient, address: Address, options: Options, context: Context
) -> AsyncIterator[Finding]:
    """What the first answers show: authentication, TLS, our own address, the software."""
    url = str(client.url)
    if client.is_open:
        fix = "Require authentication: lt-cred-mech or use-auth-secret (coturn), never no-auth."
        summary = "an open relay: it allocates without credentials, for everyone"
        yield warning("open_relay", summary, fix, url)
    else:
        yield ok("open_relay", "allocating without credentials is refused", url)
    if client.redirected_from is not None and client.server is not None:
        server = format_hostport(client.server.ip, client.server.port)
        yield ok("alternate", f"redirects to {server} (300 Try Alternate)", url, server=server)
    tls = client.connection.tls_object if client.connection is not None else None
    if tls is not None:
        yield _certificate(tls, url, context)
    if client.url.kind == "udp":
        yield await _binding(client.url, address, options, context)


def _certificate(tls: ssl.SSLObject, url: str, context: Context) -> Finding:
    chain = chain_of(tls, verified=True)
    left = chain.earliest_expiry - context.now() if chain.certificates else 0.0
    cipher = (tls.cipher() or ("", "", 0))[0]
    facts = {name.removeprefix("certificate "): value for name, value in chain.facts.items()}
    shown = "; ".join(f"{name} {value}" for name, value in facts.items() if name != "fingerprint")
    summary = f"{tls.version()}, {cipher}; {shown}; ends in {left / _DAY:.0f} days"
    data = {"version": tls.version(), "cipher": cipher, "expires_in_seconds": left, **facts}
    if left < _EXPIRY_WARNING:
        fix = "Renew the certificate, and have the TURN server read it again."
        return warning("tls", summary, fix, url, Cause.TLS_INVALID, **data)
    return ok("tls", summary, url, **data)


async def _binding(url: TurnUri, address: Address, options: Options, context: Context) -> Finding:
    try:
        async with _within(options.step, "a Binding is not answered"):
            found = await binding_request(url, [address], context.clock)
    except CheckAborted as error:
        return failed("binding", error, str(url))
    kind = "public" if is_public(found.reflexive[0]) else "not public"
    reflexive = format_hostport(*found.reflexive)
    summary = f"sees us at {reflexive} ({kind}), round trip {1000 * found.rtt:.1f} ms"
    software = one_line(found.software.decode("utf-8", "replace"), 100)
    if software:
        summary += f", software {software}"
    return ok(
        "binding", summary, str(url), reflexive=reflexive, rtt_seconds=found.rtt, software=software
    )


@asynccontextmanager
async def _within(seconds: float, message: str) -> AsyncIterator[None]:
    """A step that takes longer has failed with the cause ``deadline``."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CheckFailed(Cause.DEADLINE, f"{message} within {seconds:g} s") from None
