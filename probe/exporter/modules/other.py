"""``tcp``, ``dns`` and ``icmp``: blackbox_exporter's other probers."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from probe.exporter.modules.fields import Addressed, Pattern, Strict, Text
from probe.exporter.modules.tls import TlsConfig


class QueryResponse(Strict):
    """One step of a dialogue: what is expected, then what is sent, then STARTTLS."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        "expect_bytes": "write the bytes as a regular expression in expect",
        "labels": "metrics by matched text are not made: use expect alone",
    }

    expect: Pattern | None = None
    send: Text = ""
    starttls: bool = False


class TcpProbe(Addressed):
    """The keys of ``tcp``."""

    query_response: tuple[QueryResponse, ...] = ()
    tls: bool = False
    tls_config: TlsConfig = Field(default_factory=TlsConfig)


class RecordPatterns(Strict):
    """Regular expressions for the records of one section of a DNS answer."""

    fail_if_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_all_match_regexp: tuple[Pattern, ...] = ()
    fail_if_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_none_matches_regexp: tuple[Pattern, ...] = ()


class DnsProbe(Addressed):
    """The keys of ``dns``; the target is the name server that is asked."""

    dns_over_tls: bool = False
    tls_config: TlsConfig = Field(default_factory=TlsConfig)
    transport_protocol: Literal["udp", "tcp"] = "udp"
    query_name: Text = Field(min_length=1)
    query_class: Text = "IN"
    query_type: Text = "ANY"
    recursion_desired: bool = True
    valid_rcodes: tuple[Text, ...] = ("NOERROR",)
    validate_answer_rrs: RecordPatterns = Field(default_factory=RecordPatterns)
    validate_authority_rrs: RecordPatterns = Field(default_factory=RecordPatterns)
    validate_additional_rrs: RecordPatterns = Field(default_factory=RecordPatterns)

    def check(self) -> None:
        """Raise ValueError for what DNS does not know."""
        import dns.exception
        import dns.name
        import dns.rcode
        import dns.rdataclass
        import dns.rdatatype

        try:
            dns.name.from_text(self.query_name)
            dns.rdataclass.from_text(self.query_class)
            dns.rdatatype.from_text(self.query_type)
            for code in self.valid_rcodes:
                dns.rcode.from_text(code)
        except (dns.exception.DNSException, ValueError) as error:
            raise ValueError(f"no such name, class, type or code: {error}") from None


class IcmpProbe(Addressed):
    """The keys of ``icmp``."""

    payload_size: int = Field(default=0, ge=0, le=65000)
    dont_fragment: bool = False
    ttl: int = Field(default=0, ge=0, le=255)
