"""Which page an alert leads to, by what failed and why."""

from collections.abc import Mapping

from probe.core.causes import Cause

# What no page of its own exists for: how to find out more about any check.
ANY = "any-check"

_OURS: frozenset[str] = frozenset({Cause.OWN_NETWORK, Cause.OWN_RESOURCES, Cause.INTERNAL_ERROR})
# What only the backend answers, asked for TURN credentials or for a page.
_OF_THE_BACKEND: frozenset[str] = frozenset(
    {
        Cause.HTTP_STATUS,
        Cause.TOO_MANY_REDIRECTS,
        Cause.BODY_TOO_LARGE,
        Cause.BODY_INVALID,
        Cause.DEGRADED,
        Cause.SERVICE_DOWN,
        Cause.VERSION_MISMATCH,
        Cause.OLD_INSTANCE,
    }
)
# The server answers and the call still fails.
_OF_THE_CALL: frozenset[str] = frozenset(
    {
        Cause.DEADLINE,
        Cause.NO_CANDIDATE,
        Cause.ICE_FAILED,
        Cause.DTLS_FAILED,
        Cause.DATA_CHANNEL_FAILED,
    }
)
# What only the application can do to a journey.
_OF_THE_JOURNEY: frozenset[str] = frozenset({Cause.STRANGER_MATCHED, Cause.SESSION_LOST})
# What only Redis answers.
_OF_REDIS: frozenset[str] = frozenset(
    {Cause.LOADING, Cause.BUSY, Cause.MASTER_DOWN, Cause.MISCONF, Cause.READ_ONLY}
)
_FAILING = {
    "http": "backend-down",
    "signaling": "signaling-failing",
    "stun": "turn-failing",
    "allocation": "turn-failing",
    "turn": "turn-failing",
    "call": "turn-failing",
    "journey": "journey-failing",
    "resilience": "reconnecting",
    "crossing": "turn-failing",
    "fallback": "turn-failing",
    "peer": "peer-failing",
    "postgres": "postgres",
    "redis": "redis",
    "metered": "quota",
    "fly": "machines-down",
    "budget": "quota",
}
_BY_CAUSE: Mapping[str, Mapping[str, str]] = {
    "http": {
        Cause.DEGRADED: "service-down",
        Cause.SERVICE_DOWN: "service-down",
        Cause.TLS_INVALID: "certificate",
        Cause.VERSION_MISMATCH: "deployment",
        Cause.OLD_INSTANCE: "deployment",
    },
    "signaling": {Cause.TLS_INVALID: "certificate"},
    "allocation": dict.fromkeys(_OF_THE_BACKEND, "turn-issued-failing"),
    "turn": {
        **dict.fromkeys(_OF_THE_BACKEND, "turn-issued-failing"),
        **dict.fromkeys(_OF_THE_JOURNEY, "journey-failing"),
        **dict.fromkeys(_OF_REDIS, "redis"),
    },
    "call": {
        **dict.fromkeys(_OF_THE_BACKEND, "turn-issued-failing"),
        **dict.fromkeys(_OF_THE_CALL, "call-failing"),
        **dict.fromkeys(_OF_THE_JOURNEY, "journey-failing"),
        **dict.fromkeys(_OF_REDIS, "redis"),
    },
}
# Limits on signals: by kind, and where one has a page of its own.
_LIMITS = {
    "http": "response-slow",
    "signaling": "signaling-slow",
    "journey": "journey-failing",
    "resilience": "reconnecting",
    "stun": "relay-slow",
    "allocation": "relay-slow",
    "crossing": "relay-slow",
    "turn": "relay-slow",
    "call": "relay-slow",
    "fallback": "turn-failing",
    "peer": "relay-slow",
    "postgres": "postgres",
    "redis": "redis",
    "metered": "quota",
    # What has no page of its own below is a query that somebody added.
    "fly": "own-query",
    "app_metrics": "errors-high",
    "budget": "quota",
}
_BY_SIGNAL = {
    "probe_ssl_certificate_remaining_seconds": "certificate",
    "probe_ssl_earliest_cert_expiry": "certificate",
    "probe_http_https_redirect": "promises",
    "probe_http_hsts_max_age_seconds": "promises",
    "probe_http_cors_refused": "promises",
    "probe_error_ratio": "errors-high",
    "probe_fly_region_error_ratio": "errors-high",
    "probe_fly_requests": "errors-high",
    "probe_request_p95_seconds": "response-slow",
    "probe_fly_region_p95_seconds": "response-slow",
    "probe_app_match_p95_seconds": "response-slow",
    "probe_fly_cpu_ratio": "response-slow",
    "probe_fly_cpu_throttled_ratio": "response-slow",
    "probe_memory_used_bytes": "memory-high",
    "probe_fly_memory_bytes": "memory-high",
    "probe_fly_memory_used_ratio": "memory-high",
    "probe_fly_memory_limit_unreachable": "memory-high",
    "probe_fly_out_of_memory_exits": "memory-high",
    "probe_restarts": "machine-crashed",
    "probe_fly_crashes": "machine-crashed",
    "probe_fly_requested_stops": "machine-crashed",
    "probe_app_uptime_seconds": "machine-crashed",
    "probe_fly_machine_up": "machines-down",
    "probe_fly_machine_lost": "machines-down",
    "probe_fly_machines": "machines-down",
    "probe_fly_checks_failing": "machines-down",
    "probe_turn_fallback_ratio": "turn-share",
    "probe_ice_success_ratio": "turn-share",
    "probe_app_connection_failures_per_second": "turn-share",
}


def slug_for(kind: str, rule: str, cause: str, *, check: str = "") -> str:
    """The page for an alert: of which kind of check, by which rule, for which cause.

    ``rule`` is ``failing``, ``no-data``, ``overdue`` or a signal's name; ``cause`` may be
    empty. ``check`` is the check's name, which tells the frontend from the backend, and
    issued TURN servers from configured ones. A kind that has no page leads to ANY.
    """
    if rule == "overdue" or cause in _OURS:
        return "probe-itself"
    if rule == "no-data" or cause in (Cause.RATE_LIMITED, Cause.NO_DATA):
        return "no-data"
    if rule == "failing":
        return _for_failure(kind, cause, check)
    return _BY_SIGNAL.get(rule) or _LIMITS.get(kind, ANY)


def _for_failure(kind: str, cause: str, check: str) -> str:
    slug = _BY_CAUSE.get(kind, {}).get(cause) or _FAILING.get(kind, ANY)
    words = check.split("-")
    if slug == "backend-down" and "frontend" in words:
        return "frontend-down"
    if slug == "turn-failing" and "issued" in words:
        return "turn-issued-failing"
    return slug
