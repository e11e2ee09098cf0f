"""TLS versions, ciphers and the certificate of one host."""

import asyncio
import ssl
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from yarl import URL

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.core.recorder import Recorder
from probe.kinds.security.findings import MAX_NAMES, Findings
from probe.kinds.security.settings import SecurityTable
from probe.kinds.security.signals import CERTIFICATE_AGE, DAY
from probe.untrusted.text import listed

if TYPE_CHECKING:
    from probe.net.protocol.tls_chain import Chain

HANDSHAKE_SECONDS = 4.0
MIN_REMAINING = 14 * DAY
# What RFC 9325 forbids: no forward secrecy is what it advises against (4.1).
_WEAK = "aNULL:eNULL:RC4:3DES:DES:SEED:IDEA:EXPORT:MD5:@SECLEVEL=0"
_NO_FORWARD_SECRECY = "kRSA:!aNULL:!eNULL:@SECLEVEL=0"
_OLD = (("TLS 1.0", ssl.TLSVersion.TLSv1), ("TLS 1.1", ssl.TLSVersion.TLSv1_1))
_NEW = (("TLS 1.2", ssl.TLSVersion.TLSv1_2), ("TLS 1.3", ssl.TLSVersion.TLSv1_3))


async def tls(table: SecurityTable, found: Findings, context: Context) -> None:
    """Only TLS 1.2 and newer, only ciphers of forward secrecy, a certificate that lasts."""
    from probe.net.http import fresh_client

    address = URL(table.address)
    host, port = address.host or "", address.port or 443
    client = fresh_client(ca_file=table.ca_file, clock=context.clock, host=host)
    async with client as browser, browser.request("GET", address):
        chains = list(browser.tls.chains)
    _certificate(chains, found, context)
    await _versions(host, port, found)
    await _ciphers(host, port, found)


def _certificate(chains: "list[Chain]", found: Findings, context: Context) -> None:
    ends = [chain.earliest_expiry for chain in chains if chain.certificates]
    if not ends:
        return
    days = (min(ends) - context.now()) / DAY
    evidence = f"the certificate expires in {days:.0f} d"
    if days * DAY < MIN_REMAINING:
        found.failed("certificate", Cause.CERTIFICATE_EXPIRING, evidence)
    else:
        found.passed("certificate", evidence)
    begun = chains[-1].certificates[0].not_before
    _sample_age(found.record, context.now() - begun)


def _sample_age(record: Recorder, age: float) -> None:
    record.sample(CERTIFICATE_AGE, max(age, 0.0))


async def _versions(host: str, port: int, found: Findings) -> None:
    offered = [name for name, version in _OLD if await _accepts(host, port, version=version)]
    newest = [name for name, version in _NEW if await _accepts(host, port, version=version)]
    if offered:
        evidence = f"{host} accepts {listed(offered, MAX_NAMES)}"
        found.failed("versions", Cause.WEAK_TLS, evidence, "Switch TLS 1.0 and 1.1 off (RFC 8996).")
    else:
        found.passed("versions", f"{listed(newest, MAX_NAMES) or 'none of those tried'}; no older")


async def _ciphers(host: str, port: int, found: Findings) -> None:
    weak = await _accepts(host, port, ciphers=_WEAK)
    static = await _accepts(host, port, ciphers=_NO_FORWARD_SECRECY)
    for item, name, what in (
        ("ciphers", weak, "a cipher that is broken"),
        ("forward secrecy", static, "a cipher without forward secrecy"),
    ):
        if name:
            found.failed(item, Cause.WEAK_TLS, f"{host} accepts {name}, {what}")
        else:
            found.passed(item, "none of those tried is accepted")


async def _accepts(
    host: str, port: int, *, version: ssl.TLSVersion | None = None, ciphers: str = ""
) -> str:
    """The cipher that a handshake ends with; empty where it is refused, or where this machine's
    OpenSSL can't offer it."""
    from probe.net.protocol.connect import connect_tcp
    from probe.net.protocol.tls_stream import TlsStream
    from probe.net.resolver import resolve

    with warnings.catch_warnings():
        # Old versions are deprecated, which is why they are offered here.
        warnings.simplefilter("ignore", DeprecationWarning)
        offer = next(_offers(version, ciphers), None)
    if offer is None:
        return ""
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            with closing(await connect_tcp(await resolve(host, port))) as connection:
                stream = TlsStream(connection, offer, host)
                with closing(stream):
                    await stream.handshake()
                    chosen = stream.connection.cipher()
    except (OSError, TimeoutError, CheckAborted):
        return ""
    return chosen[0] if chosen else ""


def _offers(version: ssl.TLSVersion | None, ciphers: str) -> Iterator[ssl.SSLContext]:
    """A context that offers this and nothing else; none where it can't be made."""
    offer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What is asked is only what the server accepts; who it is was verified before.
    offer.check_hostname, offer.verify_mode = False, ssl.CERT_NONE
    with suppress(ssl.SSLError, ValueError):
        if version is not None:
            offer.minimum_version = offer.maximum_version = version
            if version < ssl.TLSVersion.TLSv1_2:
                offer.set_ciphers("ALL:@SECLEVEL=0")
        else:
            offer.maximum_version = ssl.TLSVersion.TLSv1_2
            offer.set_ciphers(ciphers)
        yield offer
