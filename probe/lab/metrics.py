"""The backend's ``/metrics``, as PairCam's exposes them."""

import re
from collections.abc import Callable

from probe.lab.knobs import BackendKnobs

DECLARED = (
    ("video_chat_connection_success_total", "counter", "Connections by type"),
    ("video_chat_connection_failures_total", "counter", "Failed connections by reason"),
    ("video_chat_errors_total", "counter", "Errors by type and component"),
    ("video_chat_rate_limit_hits_total", "counter", "Requests that were refused"),
    ("video_chat_matches_created_total", "counter", "Matches"),
    ("video_chat_request_duration_seconds", "histogram", "Duration of HTTP requests"),
    ("video_chat_match_latency_seconds", "histogram", "How long users wait for a match"),
)
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, float("inf"))
# What imagined users do in a second.
_CONNECTIONS, _REQUESTS = 1.0, 10.0
_MATCH_SECONDS = 2.0

Labels = tuple[tuple[str, str], ...]


class BackendUsage:
    """Imagined users: counters that rise as time passes, the way the knobs say."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._at = clock, clock()
        self._counts: dict[tuple[str, Labels], float] = {}
        self._live(1000.0, BackendKnobs())

    def advance(self, knobs: BackendKnobs) -> None:
        """Live through the time since the last call."""
        now = self._clock()
        seconds, self._at = now - self._at, now
        self._live(seconds, knobs)

    def lines(self, family: str) -> list[str]:
        """The samples of a family."""
        found = []
        for (name, pairs), count in self._counts.items():
            if re.sub(r"_(bucket|sum|count)$", "", name) == family:
                labels = ",".join(f'{label}="{value}"' for label, value in pairs)
                found.append(f"{name}{{{labels}}} {count:.12g}")
        return found

    def _live(self, seconds: float, knobs: BackendKnobs) -> None:
        connections = seconds * _CONNECTIONS
        failed = connections * knobs.failed_share
        relayed = (connections - failed) * knobs.relayed_share
        name = "video_chat_connection_success_total"
        self._count(name, connections - failed - relayed, connection_type="p2p")
        self._count(name, relayed, connection_type="turn")
        name = "video_chat_connection_failures_total"
        self._count(name, failed, failure_reason="ice_failed")
        errors = seconds * _REQUESTS * knobs.error_share
        self._count("video_chat_errors_total", errors, error_type="timeout", component="api")
        self._count("video_chat_rate_limit_hits_total", seconds / 100, limit_type="ip")
        self._count("video_chat_matches_created_total", connections)
        route = {"method": "POST", "route": "/auth/token"}
        name = "video_chat_request_duration_seconds"
        good = seconds * _REQUESTS - errors
        self._observe(name, good, knobs.request_seconds, **route, status_code="201")
        self._observe(name, errors, knobs.request_seconds, **route, status_code="500")
        own = {"method": "GET", "route": "/health", "status_code": "200"}
        self._observe(name, seconds, 0.01, **own)
        self._observe("video_chat_match_latency_seconds", connections, _MATCH_SECONDS)

    def _observe(self, name: str, count: float, seconds: float, **labels: str) -> None:
        for bound in BOUNDS:
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            self._count(f"{name}_bucket", count if seconds <= bound else 0.0, **labels, le=le)
        self._count(f"{name}_sum", count * seconds, **labels)
        self._count(f"{name}_count", count, **labels)

    def _count(self, name: str, by: float, **labels: str) -> None:
        key = (name, tuple(labels.items()))
        self._counts[key] = self._counts.get(key, 0.0) + by


def exposition(usage: BackendUsage, *, sessions: int, queue: int, filled: bool) -> str:
    """Prometheus text. As on the real one, what nothing increments is declared, no more."""
    gauges = {
        "video_chat_active_connections": sessions,
        "video_chat_active_sessions": sessions,
        "video_chat_queue_length": queue,
    }
    lines = [f"# TYPE {name} gauge\n{name} {value}" for name, value in gauges.items()]
    for name, type_, help_ in DECLARED:
        lines.append(f"# HELP {name} {help_}\n# TYPE {name} {type_}")
        if filled:
            lines += usage.lines(name)
    return "\n".join(lines) + "\n"
