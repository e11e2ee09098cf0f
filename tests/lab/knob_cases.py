"""What each knob of the lab turns: the cause of each check that it makes fail."""

from collections.abc import Mapping

from msgspec import Struct, field

from probe.lab.lab import Certificate

HTTP = ("health", "ready", "frontend")


WAYS = ("udp", "tcp", "tls")


TURNS = tuple(f"turn-{who}-{way}" for who in ("primary", "backup") for way in WAYS)


CALLS = tuple(name.replace("turn-", "call-") for name in TURNS)


ALLOCATIONS = tuple(name.replace("turn-", "allocation-") for name in TURNS)


THROUGH_ISSUED = ("turn-issued", "call-issued")


ISSUED = ("allocation-issued", *THROUGH_ISSUED)


class Case(Struct, frozen=True):
    """A knob, and what it turns: the cause (or ``!cause`` for unknown) of each check."""

    knob: str
    value: str
    turns: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate = "valid"
    without: str = ""
    only: str = ""


def all_of(names: tuple[str, ...], cause: str) -> dict[str, str]:
    """The same cause for each."""
    return dict.fromkeys(names, cause)


def relays(
    cause: str,
    *,
    primary_only: bool = True,
    ways: tuple[str, ...] = WAYS,
    checks: tuple[str, ...] = ALLOCATIONS + TURNS + CALLS,
) -> dict[str, str]:
    """Checks of the relays by some ways in."""
    names = [name for name in checks if name.rsplit("-", 1)[1] in ways]
    return dict.fromkeys([name for name in names if "primary" in name or not primary_only], cause)


def no_allocation(cause: str) -> dict[str, str]:
    """The primary allocates nothing: so nothing can cross from it either, for a reason that
    is told elsewhere. What the backend issues is the primary's."""
    return {**relays(cause), **all_of(ISSUED, cause), "crossing-primary-backup": f"!{cause}"}


def no_way_through(cause: str, crossing: str = "") -> dict[str, str]:
    """The primary allocates and does not relay; what becomes of packets to the backup."""
    relayed = {**relays(cause, checks=TURNS + CALLS), **all_of(THROUGH_ISSUED, cause)}
    return {**relayed, **({"crossing-primary-backup": crossing} if crossing else {})}


SESSIONS = ("engineio", "signaling")


BACKEND = (*HTTP, *SESSIONS, *ISSUED)


def whole(cause: str) -> dict[str, str]:
    """The backend with everything about it; its own metrics say nothing then."""
    return {**all_of(BACKEND, cause), "app-metrics": f"!{cause.removeprefix('!')}"}


OF_TOKENS = ("signaling", *ISSUED)


CASES = [
    # Where there is a secret to mint tokens from, only signaling asks for one, as users do.
    Case("backend.token", "refused", {"signaling": "http_status"}),
    Case("backend.token", "rate_limited"),
    Case("backend.token", "refused", all_of(OF_TOKENS, "http_status"), without="JWT_SECRET"),
    Case("backend.token", "invalid", all_of(OF_TOKENS, "body_invalid"), without="JWT_SECRET"),
    Case("backend.token", "rate_limited", all_of(OF_TOKENS, "!rate_limited"), without="JWT_SECRET"),
    # Which of several checks sends the packet that is one too many, chance decides.
    Case(
        "primary.drop_after",
        "5",
        {"turn-primary-udp": "allocation_lost"},
        only="turn-primary-udp",
    ),
    Case("backend.status", "503", all_of(("health", "ready"), "http_status")),
    Case("backend.status", "401", all_of(("health", "ready"), "http_status")),
    Case("backend.postgres", "down", all_of(("health", "ready"), "service_down")),
    Case(
        "backend.postgres",
        "hangs",
        {**all_of(("health", "ready"), "deadline"), "app-metrics": "!deadline"},
    ),
    Case(
        "backend.redis",
        "down",
        {**all_of(("health", "ready"), "service_down"), "signaling": "deadline"},
    ),
    Case("backend.pubsub", "down", all_of(("health", "ready"), "service_down")),
    Case("backend.body", "invalid", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "empty", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "list", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "endless", all_of(("health", "ready"), "body_too_large")),
    Case("backend.redirect", "once"),
    Case("backend.redirect", "loop", {"health": "too_many_redirects"}),
    Case("backend.clock_offset", "45"),
    Case("backend.channels", "2"),
    Case("backend.gauges", "unwired"),
    Case("backend.latency", "0.2"),
    Case("backend.latency", "30", whole("deadline")),
    Case("backend.silent", "true", whole("deadline")),
    Case("backend.drop", "true", whole("connection_closed")),
    Case("backend.rate_limited", "true", whole("!rate_limited")),
    Case("backend.limits", "false"),
    Case("backend.signaling", "refuses", {"signaling": "session_refused"}),
    Case("backend.signaling", "silent", {"signaling": "deadline"}),
    Case("backend.signaling", "garbage", all_of(SESSIONS, "protocol_error")),
    Case("backend.signaling", "drops", {"signaling": "connection_closed"}),
    Case("backend.signaling", "no_reply", {"signaling": "deadline"}),
    Case("backend.signaling", "off", all_of(SESSIONS, "protocol_error")),
    Case("backend.signaling_latency", "0.05"),
    Case("backend.signaling_latency", "30", all_of(SESSIONS, "deadline")),
    # Only a journey meets somebody, and it is off unless it is asked for.
    Case("backend.match", "never"),
    Case("backend.match", "anyone"),
    Case("backend.match", "lost"),
    Case("backend.match", "ends"),
    Case("backend.second_match", "1"),
    Case("backend.credentials", "expired", all_of(ISSUED, "credentials_expired")),
    Case("backend.credentials", "wrong", all_of(ISSUED, "auth_rejected")),
    Case("backend.credentials", "refused", all_of(ISSUED, "auth_rejected")),
    Case("backend.credentials", "empty", all_of(ISSUED, "credentials_missing")),
    Case("backend.version", "2.0.0"),
    Case("backend.instance", "lab-2"),
    Case("backend.uptime", "3"),
    Case("backend.metrics", "filled"),
    Case("backend.relayed_share", "0.4"),
    Case("backend.failed_share", "0.4"),
    Case("backend.error_share", "0.4"),
    Case("backend.request_seconds", "3"),
    Case("backend.memory", "4e8"),
    Case("backend.hsts", "false"),
    Case("backend.cors_open", "true"),
    Case("primary.error", "401", no_allocation("auth_rejected")),
    Case("primary.error", "403", no_way_through("peer_forbidden", "peer_forbidden")),
    Case("primary.error", "438", no_allocation("stale_nonce")),
    Case(
        "primary.error",
        "486",
        no_allocation("allocation_quota"),
    ),
    Case(
        "primary.error",
        "508",
        no_allocation("allocation_capacity"),
    ),
    Case(
        "turn.silent",
        "true",
        {
            **relays("deadline", primary_only=False),
            **all_of(ISSUED, "deadline"),
            "crossing-primary-backup": "!deadline",
        },
    ),
    Case(
        "primary.close_on_connect",
        "true",
        {**relays("connection_closed", ways=("tcp", "tls")), "turn-issued": "some_urls_failed"},
    ),
    Case("primary.delay", "0.02"),
    Case("primary.jitter", "0.005"),
    # A call of many packets may fail by chance; that is what its own tests are about.
    Case("primary.loss", "0.05", only="turn-primary-udp"),
    Case("primary.loss", "1", no_way_through("hairpin_failed", "relay_unreachable")),
    Case("primary.seed", "7"),
    Case("primary.hairpin", "false", no_way_through("hairpin_failed")),
    Case(
        "primary.quota",
        "0",
        no_allocation("allocation_quota"),
    ),
    Case(
        "primary.relayed_address",
        "192.0.2.1",
        no_allocation("relay_address_unusable"),
    ),
    Case(
        "primary.tls_stall",
        "true",
        {**relays("deadline", ways=("tls",)), "turn-issued": "some_urls_failed"},
    ),
    Case(
        "primary.garbage",
        "true",
        no_allocation("protocol_error"),
    ),
    Case(
        "certificate",
        "expired",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "expired",
    ),
    Case(
        "certificate",
        "wrong-name",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "wrong-name",
    ),
    Case(
        "certificate",
        "untrusted",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "untrusted",
    ),
]


# What a knob of a part can touch, and two checks of another part that it must not.
TOUCHED: Mapping[str, tuple[str, ...]] = {
    "backend": (*HTTP, *SESSIONS, "allocation-issued", "app-metrics"),
    "primary": ("allocation-primary-udp", "turn-primary-udp", "call-primary-udp"),
    "turn": (),
    "certificate": ("allocation-primary-tls", "turn-primary-udp"),
}


CONTROLS: Mapping[str, tuple[str, str]] = {
    "backend": ("allocation-primary-tcp", "turn-backup-udp"),
    "primary": ("frontend", "turn-backup-udp"),
    "turn": ("frontend", "signaling"),
    "certificate": ("frontend", "turn-backup-udp"),
}
