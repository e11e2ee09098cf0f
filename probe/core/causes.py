"""Why a check failed or could not measure: a closed list.

A cause is a metric label and is used in queries, so it is never renamed. Each has a hint, the first
thing to try; a check that knows better gives its own.
"""

from enum import StrEnum


class Cause(StrEnum):
    """One reason, in snake_case, exported as a label."""

    # Name, address, connection
    DNS_FAILED = "dns_failed"
    ADDRESS_RESERVED = "address_reserved"
    TARGET_FORBIDDEN = "target_forbidden"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_FAILED = "connect_failed"
    CONNECTION_CLOSED = "connection_closed"
    TLS_INVALID = "tls_invalid"
    TLS_FAILED = "tls_failed"
    DEADLINE = "deadline"
    # What was answered
    PROTOCOL_ERROR = "protocol_error"
    HTTP_STATUS = "http_status"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BODY_TOO_LARGE = "body_too_large"
    BODY_INVALID = "body_invalid"
    FLOODED = "flooded"
    DEGRADED = "degraded"
    SERVICE_DOWN = "service_down"
    CORS_REJECTED = "cors_rejected"
    # What a browser makes of a page
    CONTENT_TYPE_INVALID = "content_type_invalid"
    INSECURE_CONTEXT = "insecure_context"
    CSP_BLOCKED = "csp_blocked"
    PERMISSIONS_POLICY_BLOCKED = "permissions_policy_blocked"
    MIXED_CONTENT_BLOCKED = "mixed_content_blocked"
    # What was deployed
    VERSION_MISMATCH = "version_mismatch"
    OLD_INSTANCE = "old_instance"
    NO_DATA = "no_data"
    # Who we are
    AUTH_REJECTED = "auth_rejected"
    CREDENTIALS_EXPIRED = "credentials_expired"
    CREDENTIALS_MISSING = "credentials_missing"
    # TURN (RFC 8656) and ICE (RFC 8445)
    ALLOCATION_QUOTA = "allocation_quota"
    ALLOCATION_CAPACITY = "allocation_capacity"
    ALLOCATION_REFUSED = "allocation_refused"
    ALLOCATION_LOST = "allocation_lost"
    STALE_NONCE = "stale_nonce"
    PEER_FORBIDDEN = "peer_forbidden"
    RELAY_ADDRESS_UNUSABLE = "relay_address_unusable"
    RELAY_UNREACHABLE = "relay_unreachable"
    HAIRPIN_FAILED = "hairpin_failed"
    RELAY_LOSS = "relay_loss"
    PORT_BLOCKED = "port_blocked"
    SOME_URLS_FAILED = "some_urls_failed"
    LARGE_PACKETS_LOST = "large_packets_lost"
    PAYLOAD_ALTERED = "payload_altered"
    NO_CANDIDATE = "no_candidate"
    ICE_FAILED = "ice_failed"
    DTLS_FAILED = "dtls_failed"
    DATA_CHANNEL_FAILED = "data_channel_failed"
    # The application, which brings two people together
    STRANGER_MATCHED = "stranger_matched"
    SESSION_REFUSED = "session_refused"
    SESSION_LOST = "session_lost"
    # Security, seen from outside
    HTTPS_NOT_ENFORCED = "https_not_enforced"
    HEADER_MISSING = "header_missing"
    FOREIGN_ORIGIN_ALLOWED = "foreign_origin_allowed"
    WEAK_TLS = "weak_tls"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    AUTH_NOT_ENFORCED = "auth_not_enforced"
    RATE_LIMIT_MISSING = "rate_limit_missing"
    OPEN_RELAY = "open_relay"
    PRIVATE_PEERS_ALLOWED = "private_peers_allowed"
    PORT_OPEN = "port_open"
    SECRET_WEAK = "secret_weak"
    SECRET_OLD = "secret_old"
    # Redis, by the code of its error
    LOADING = "loading"
    BUSY = "busy"
    MASTER_DOWN = "master_down"
    MISCONF = "misconf"
    READ_ONLY = "read_only"
    # Ourselves
    OWN_NETWORK = "own_network"
    OWN_RESOURCES = "own_resources"
    OWN_CREDENTIALS = "own_credentials"
    OWN_STALL = "own_stall"
    INTERNAL_ERROR = "internal_error"


HINTS: dict[Cause, str] = {
    Cause.DNS_FAILED: "Check the spelling of the name and its DNS records.",
    Cause.ADDRESS_RESERVED: "The name resolves to an address that is not reachable; "
    "correct its DNS record or use another server.",
    Cause.TARGET_FORBIDDEN: "The exporter may not contact this address: add the host or network to "
    "`targets` of [exporter], if that is intended.",
    Cause.CONNECT_REFUSED: "Nothing listens there: is the service running, is the port right?",
    Cause.CONNECT_FAILED: "There is no route to that address: check routes and firewalls.",
    Cause.CONNECTION_CLOSED: "The server hung up: look at its log at this time.",
    Cause.TLS_INVALID: "Renew or correct the certificate; for a private authority "
    "set PROBE_CA_FILE.",
    Cause.TLS_FAILED: "The port does not speak TLS, or no common version or cipher was found.",
    Cause.DEADLINE: "It did not answer in time: is it overloaded, or are packets dropped?",
    Cause.PROTOCOL_ERROR: "Something other than expected listens there: check address and port.",
    Cause.HTTP_STATUS: "Look at the server's log for this request.",
    Cause.RATE_LIMITED: "The probe itself hit the rate limit: check less often, or exempt "
    "its address.",
    Cause.QUOTA_EXCEEDED: "A limit of the plan or the server is used up: see who used it, "
    "or upgrade the plan.",
    Cause.TOO_MANY_REDIRECTS: "Look at the redirect rules: they form a loop.",
    Cause.BODY_TOO_LARGE: "The address answers with far more than a status: is it the right one?",
    Cause.BODY_INVALID: "The address does not answer as expected: is it the right one?",
    Cause.FLOODED: "The target sends far more than was asked for: check what listens at that "
    "address, and its version.",
    Cause.DEGRADED: "Look at the services that /health names, and at the backend's log.",
    Cause.SERVICE_DOWN: "Check that the named service is up and that its address in the "
    "backend's environment is right.",
    Cause.CORS_REJECTED: "Browsers block the answer: add the frontend's origin to the backend's "
    "CORS_ORIGINS.",
    Cause.CONTENT_TYPE_INVALID: "Browsers show or download it instead of opening a page: send "
    "Content-Type: text/html, and no Content-Disposition: attachment.",
    Cause.INSECURE_CONTEXT: "Redirect http: to https:: browsers give camera and microphone to "
    "pages by TLS alone.",
    Cause.CSP_BLOCKED: "Add the backend's address to connect-src of the page's "
    "Content-Security-Policy, or roll back what made it stricter.",
    Cause.PERMISSIONS_POLICY_BLOCKED: "Send Permissions-Policy: camera=(self), microphone=(self) "
    "with the page, or none at all.",
    Cause.MIXED_CONTENT_BLOCKED: "Have the page ask the backend by https: and wss:.",
    Cause.VERSION_MISMATCH: "The deployment has not arrived, or another one has.",
    Cause.OLD_INSTANCE: "The old machine still answers: has the deployment replaced it?",
    Cause.NO_DATA: "It answers without data for this: is the name right, does the target "
    "exist for a few minutes?",
    Cause.AUTH_REJECTED: "Check user name, password or secret on both sides.",
    Cause.CREDENTIALS_EXPIRED: "Issue new credentials, and compare the clocks of both sides.",
    Cause.CREDENTIALS_MISSING: "Configure credentials for this server.",
    Cause.ALLOCATION_QUOTA: "The user's quota is used up: end stale allocations, or raise it.",
    Cause.ALLOCATION_CAPACITY: "The server has no capacity left: add relay ports or machines.",
    Cause.ALLOCATION_REFUSED: "Look at the TURN server's log at this time.",
    Cause.ALLOCATION_LOST: "The server forgot the allocation: was it restarted?",
    Cause.STALE_NONCE: "The server refuses every nonce: compare clocks, restart the server.",
    Cause.PEER_FORBIDDEN: "The server denies relaying to this peer address: look at its "
    "denied and allowed peer ranges.",
    Cause.RELAY_ADDRESS_UNUSABLE: "The relay offers an address that browsers can't reach: "
    "set its external address (coturn: external-ip).",
    Cause.RELAY_UNREACHABLE: "Open the relay's ports to the internet, and check the external "
    "address that the server advertises.",
    Cause.HAIRPIN_FAILED: "Packets from one relayed address to another of this server vanish; "
    "test across two servers before calling it an outage.",
    Cause.RELAY_LOSS: "The relay path loses too many packets: check the server's load and its "
    "network.",
    Cause.PORT_BLOCKED: "Browsers never connect to this port: use 3478, 5349, 443 or another "
    "above 1024 that is not on their list of unsafe ports.",
    Cause.SOME_URLS_FAILED: "Users fall back to the URLs that work, which takes longer and may be "
    "slower: fix this one, or stop issuing it.",
    Cause.LARGE_PACKETS_LOST: "Packets as large as a browser's DTLS handshake do not pass: raise "
    "the MTU on the path (tunnel, VPN, container network), or let the relay fragment.",
    Cause.PAYLOAD_ALTERED: "The relay alters the bytes that it delivers, which breaks audio and "
    "video: upgrade the TURN server.",
    Cause.NO_CANDIDATE: "No address to offer was found: run the turn check for the reason.",
    Cause.ICE_FAILED: "The two sides found no path: is the relay range reachable?",
    Cause.DTLS_FAILED: "ICE connects but the DTLS handshake fails: are large packets dropped?",
    Cause.DATA_CHANNEL_FAILED: "Connected, but no data passes: are packets lost on the path?",
    Cause.STRANGER_MATCHED: "The application's language queue matches across languages: the probe "
    "hung up at once; turn its journey off until that is fixed.",
    Cause.SESSION_REFUSED: "The application refuses sessions: see the backend's log and what it "
    "depends on (/health).",
    Cause.SESSION_LOST: "The backend forgot an established session: was it restarted, did Redis "
    "lose its keys?",
    Cause.HTTPS_NOT_ENFORCED: "Redirect plain HTTP to HTTPS (301 or 308), and send "
    "Strict-Transport-Security: max-age=31536000.",
    Cause.HEADER_MISSING: "Set the header in the application, its proxy or its CDN.",
    Cause.FOREIGN_ORIGIN_ALLOWED: "Allow the frontend's origin alone, compared as a whole: no *, "
    "no null, no comparison of its beginning or end.",
    Cause.WEAK_TLS: "Offer only TLS 1.2 and 1.3, with ciphers that have forward secrecy "
    "(RFC 9325).",
    Cause.CERTIFICATE_EXPIRING: "Renew the certificate, and find out why it was not renewed "
    "automatically.",
    Cause.AUTH_NOT_ENFORCED: "Verify every token's signature and expiry with one fixed algorithm, "
    "and refuse requests without one (RFC 8725).",
    Cause.RATE_LIMIT_MISSING: "Wire the rate limiter to the route, counted by client address, and "
    "answer 429.",
    Cause.OPEN_RELAY: "Require credentials (coturn: lt-cred-mech or use-auth-secret, and no "
    "no-auth): anyone relays through this server.",
    Cause.PRIVATE_PEERS_ALLOWED: "Deny peers of private, loopback and link-local ranges, of IPv6 "
    "and mapped forms too (coturn: denied-peer-ip, no allow-loopback-peers; upgrade to 4.9.0).",
    Cause.PORT_OPEN: "Close the port in the firewall, or bind the service to a private address.",
    Cause.SECRET_WEAK: "Generate a new secret: openssl rand -base64 48.",
    Cause.SECRET_OLD: "Rotate the secret on both sides, and note the date in PROBE_SECRET_DATES.",
    Cause.LOADING: "Redis reads its data after a start: wait, and check why it restarted.",
    Cause.BUSY: "A script or function runs for too long: SCRIPT KILL or FUNCTION KILL ends it.",
    Cause.MASTER_DOWN: "The replica has lost its master and refuses to answer: check the master.",
    Cause.MISCONF: "Redis can't save to disk and refuses writes: check its disk space and log.",
    Cause.READ_ONLY: "REDIS_URL points to a read-only replica: use the address of the master.",
    Cause.OWN_NETWORK: "The probe itself has no usable network: check its machine first.",
    Cause.OWN_RESOURCES: "The probe's machine is short of a resource: give it more of it, or "
    "run fewer checks on it.",
    Cause.OWN_CREDENTIALS: "Only the probe's own secret is wrong: set the one that the target "
    "uses.",
    Cause.OWN_STALL: "The probe's process was stalled during the run: check its machine's CPU.",
    Cause.INTERNAL_ERROR: "This is a bug in the probe: please report it with the log.",
}

# Proven within the run that found them.
CONFIRMED: frozenset[Cause] = frozenset({Cause.OWN_CREDENTIALS})

# Causes that a stalled process produces without any fault of the target.
OF_THIS_MACHINE: frozenset[Cause] = frozenset(
    {Cause.OWN_NETWORK, Cause.OWN_RESOURCES, Cause.OWN_STALL}
)
"""Never a failure of the target, whoever raises it."""
STALL_PRONE: frozenset[Cause] = frozenset(
    {
        Cause.DEADLINE,
        Cause.DNS_FAILED,
        Cause.CONNECT_FAILED,
        Cause.CONNECTION_CLOSED,
        Cause.TLS_FAILED,
        Cause.ALLOCATION_LOST,
        Cause.STALE_NONCE,
        Cause.RELAY_LOSS,
        Cause.RELAY_UNREACHABLE,
        Cause.HAIRPIN_FAILED,
        Cause.ICE_FAILED,
        Cause.DTLS_FAILED,
        Cause.DATA_CHANNEL_FAILED,
        Cause.SESSION_LOST,
    }
)
# Causes that a step of the wall clock during the run can produce.
CLOCK_PRONE: frozenset[Cause] = frozenset(
    {Cause.TLS_INVALID, Cause.AUTH_REJECTED, Cause.CREDENTIALS_EXPIRED, Cause.STALE_NONCE}
)

# Not retryable: a secret, a name or a setting has to be changed.
NOT_RETRYABLE: frozenset[Cause] = frozenset(
    {
        Cause.AUTH_REJECTED,
        Cause.CREDENTIALS_EXPIRED,
        Cause.CREDENTIALS_MISSING,
        Cause.ADDRESS_RESERVED,
        Cause.INTERNAL_ERROR,
    }
)
