"""``dns``: one query to a name server, and what its answer is held against."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.exporter.modules.other import DnsProbe, RecordPatterns
from probe.exporter.probers import signals
from probe.exporter.probers.connection import addresses_of, write_address
from probe.exporter.probers.table import ProbeTable, prober
from probe.exporter.probers.target import hostport
from probe.net.protocol.translation import translate
from probe.net.resolver import Address
from probe.net.tls.observer import TlsObserver

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

PORT, TLS_PORT = 53, 853
PHASES = ("resolve", "connect", "request")
_RETRY_SECONDS = 1.0


async def run(table: ProbeTable, record: Recorder, context: Context) -> None:
    """Ask the server and judge its answer."""
    settings = table.module.dns
    assert settings is not None
    port = TLS_PORT if settings.dns_over_tls else PORT
    host, port = hostport(table.address.get_secret_value(), port)
    for phase in PHASES:
        record.sample(signals.DNS_DURATION, 0, phase=phase)
    for signal in (signals.DNS_ANSWER, signals.DNS_AUTHORITY, signals.DNS_ADDITIONAL):
        record.sample(signal, 0)
    record.sample(signals.DNS_SUCCEEDED, 0)
    ip = ""
    try:
        with record.phase("resolve"):
            addresses = await addresses_of(host, port, settings)
        ip = addresses[0].ip
        record.sample(signals.LOOKUP, record.phases["resolve"])
        with record.phase("request"):
            answer = await _query(settings, addresses[0], host, table)
        record.sample(signals.DNS_SUCCEEDED, 1)
        _judge(settings, answer, record)
    finally:
        write_address(ip, record)
        for phase in ("resolve", "request"):
            if phase in record.phases:
                record.sample(signals.DNS_DURATION, record.phases[phase], phase=phase)


async def _query(
    settings: DnsProbe, address: Address, host: str, table: ProbeTable
) -> "dns.message.Message":
    import dns.exception
    import dns.flags
    import dns.message

    query = dns.message.make_query(
        settings.query_name, settings.query_type, settings.query_class, use_edns=False
    )
    if not settings.recursion_desired:
        query.flags &= ~dns.flags.RD
    try:
        return await _exchange(settings, query, address, host, table)
    except OSError as error:
        aborted = translate(error, f"{host}:{address.port}", TlsObserver())
        if aborted is None:
            raise
        raise aborted from None
    except (dns.exception.DNSException, EOFError) as error:
        message = f"the server's answer can't be read: {type(error).__name__}"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message) from None


async def _exchange(
    settings: DnsProbe,
    query: "dns.message.Message",
    address: Address,
    host: str,
    table: ProbeTable,
) -> "dns.message.Message":
    import dns.asyncquery
    import dns.exception

    if settings.dns_over_tls:
        context = settings.tls_config.context(table.ca_file, ())
        name = settings.tls_config.server_name or table.hostname or host
        return await dns.asyncquery.tls(
            query, address.ip, port=address.port, ssl_context=context, server_hostname=name
        )
    if settings.transport_protocol == "tcp":
        return await dns.asyncquery.tcp(query, address.ip, port=address.port)
    while True:
        # A lost packet is no dead server; the runner's deadline ends it.
        try:
            return await dns.asyncquery.udp(
                query,
                address.ip,
                timeout=_RETRY_SECONDS,
                port=address.port,
                ignore_unexpected=True,
                ignore_errors=False,
            )
        except dns.exception.Timeout:
            await asyncio.sleep(0)


def _judge(settings: DnsProbe, answer: "dns.message.Message", record: Recorder) -> None:
    import dns.rcode
    import dns.rdatatype

    sections = (
        (signals.DNS_ANSWER, "answer", answer.answer, settings.validate_answer_rrs),
        (signals.DNS_AUTHORITY, "authority", answer.authority, settings.validate_authority_rrs),
        (signals.DNS_ADDITIONAL, "additional", answer.additional, settings.validate_additional_rrs),
    )
    for signal, _, records, _ in sections:
        record.sample(signal, sum(len(each) for each in records))
    for each in answer.answer:
        if each.rdtype == dns.rdatatype.SOA:
            record.sample(signals.DNS_SERIAL, each[0].serial)
    code = dns.rcode.to_text(answer.rcode())
    if code not in settings.valid_rcodes:
        raise CheckFailed(Cause.DNS_FAILED, f"the server answers {code}", phase="rcode")
    for _, name, records, patterns in sections:
        for problem in _mismatches(patterns, _texts(records)):
            raise CheckFailed(Cause.BODY_INVALID, f"{name} section: {problem}", phase="records")


def _texts(records: "Sequence[dns.rrset.RRset]") -> list[str]:
    """Each record on a line of its own, its fields by tabs, as blackbox_exporter matches them."""
    lines = (line for each in records for line in each.to_text().splitlines())
    return ["\t".join(line.split(" ", 4)) for line in lines]


def _mismatches(patterns: RecordPatterns, texts: Sequence[str]) -> Iterator[str]:
    for each in patterns.fail_if_matches_regexp:
        if any(each.search(text) for text in texts):
            yield "a record matches fail_if_matches_regexp"
    for each in patterns.fail_if_all_match_regexp:
        if texts and all(each.search(text) for text in texts):
            yield "all records match fail_if_all_match_regexp"
    for each in patterns.fail_if_not_matches_regexp:
        if not all(each.search(text) for text in texts) or not texts:
            yield "a record does not match fail_if_not_matches_regexp"
    for each in patterns.fail_if_none_matches_regexp:
        if not any(each.search(text) for text in texts):
            yield "no record matches fail_if_none_matches_regexp"


def _load() -> None:
    import dns.asyncquery  # noqa: F401


KIND = prober(
    "dns",
    run,
    "one query to a name server",
    (
        *signals.ADDRESS_SIGNALS,
        signals.DNS_DURATION,
        signals.DNS_ANSWER,
        signals.DNS_AUTHORITY,
        signals.DNS_ADDITIONAL,
        signals.DNS_SUCCEEDED,
        signals.DNS_SERIAL,
    ),
    _load,
)
