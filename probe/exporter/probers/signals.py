"""What the probers measure, under blackbox_exporter's names."""

from probe.core.model import Signal, Unit

LOOKUP = Signal(
    "probe_dns_lookup_time_seconds", Unit.SECONDS, "How long the DNS lookup took in seconds."
)
IP_PROTOCOL = Signal(
    "probe_ip_protocol", Unit.COUNT, "Whether the probe used IPv4 or IPv6: 4 or 6."
)
IP_HASH = Signal(
    "probe_ip_addr_hash", Unit.COUNT, "Hash of the address that was used, to see that it changed."
)
FAILED_REGEX = Signal(
    "probe_failed_due_to_regex", Unit.BOOLEAN, "Whether the probe failed due to a regex."
)
STATUS = Signal("probe_http_status_code", Unit.COUNT, "Response HTTP status code.")
DURATION = Signal(
    "probe_http_duration_seconds",
    Unit.SECONDS,
    "Duration of the HTTP request by phase, summed over all redirects.",
    labels=("phase",),
)
CONTENT_LENGTH = Signal(
    "probe_http_content_length", Unit.BYTES, "Length of the HTTP content response; -1 if unknown."
)
BODY_LENGTH = Signal(
    "probe_http_uncompressed_body_length", Unit.BYTES, "Length of the uncompressed response body."
)
REDIRECTS = Signal("probe_http_redirects", Unit.COUNT, "The number of redirects.")
SSL = Signal("probe_http_ssl", Unit.BOOLEAN, "Whether TLS was used for the final redirect.")
VERSION = Signal("probe_http_version", Unit.COUNT, "The version of HTTP of the response.")
LAST_MODIFIED = Signal(
    "probe_http_last_modified_timestamp_seconds",
    Unit.TIMESTAMP,
    "The Last-Modified HTTP response header in Unix time.",
)
EXPIRY = Signal(
    "probe_ssl_earliest_cert_expiry",
    Unit.TIMESTAMP,
    "The earliest end of a certificate of the chain in Unix time.",
)
CHAIN_EXPIRY = Signal(
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    Unit.TIMESTAMP,
    "The earliest end of a certificate of the verified chain in Unix time.",
)
CHAIN_INFO = Signal(
    "probe_ssl_last_chain_info",
    Unit.COUNT,
    "The server's own certificate.",
    labels=("fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber"),
)
TLS_VERSION = Signal(
    "probe_tls_version_info", Unit.COUNT, "The TLS version that is used.", labels=("version",)
)
TLS_CIPHER = Signal(
    "probe_tls_cipher_info", Unit.COUNT, "The TLS cipher that is used.", labels=("cipher",)
)
TLS_SIGNALS = (EXPIRY, CHAIN_EXPIRY, CHAIN_INFO, TLS_VERSION, TLS_CIPHER)
ADDRESS_SIGNALS = (LOOKUP, IP_PROTOCOL, IP_HASH)
DNS_DURATION = Signal(
    "probe_dns_duration_seconds",
    Unit.SECONDS,
    "Duration of the DNS request by phase.",
    labels=("phase",),
)
DNS_ANSWER = Signal("probe_dns_answer_rrs", Unit.COUNT, "Number of records in the answer section.")
DNS_AUTHORITY = Signal(
    "probe_dns_authority_rrs", Unit.COUNT, "Number of records in the authority section."
)
DNS_ADDITIONAL = Signal(
    "probe_dns_additional_rrs", Unit.COUNT, "Number of records in the additional section."
)
DNS_SUCCEEDED = Signal(
    "probe_dns_query_succeeded", Unit.BOOLEAN, "Whether the query was answered at all."
)
DNS_SERIAL = Signal("probe_dns_serial", Unit.COUNT, "The serial number of the zone.")
ICMP_DURATION = Signal(
    "probe_icmp_duration_seconds",
    Unit.SECONDS,
    "Duration of the ICMP request by phase.",
    labels=("phase",),
)
HOP_LIMIT = Signal("probe_icmp_reply_hop_limit", Unit.COUNT, "Hop limit of the reply (its TTL).")
HANDSHAKE = Signal(
    "probe_websocket_handshake_seconds",
    Unit.SECONDS,
    "From the request to the response that opens the WebSocket.",
)
