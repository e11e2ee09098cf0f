"""The backend's ``/metrics``, as PairCam's exposes them."""

DECLARED = (
    ("video_chat_connection_success_total", "counter", "Connections by type"),
    ("video_chat_connection_failures_total", "counter", "Failed connections by reason"),
    ("video_chat_errors_total", "counter", "Errors by type and component"),
    ("video_chat_request_duration_seconds", "histogram", "Duration of HTTP requests"),
)

_FILLED = """\
video_chat_connection_success_total{connection_type="p2p"} 850
video_chat_connection_success_total{connection_type="turn"} 150
video_chat_connection_failures_total{failure_reason="ice_failed"} 12
video_chat_errors_total{error_type="timeout",component="signaling"} 3
video_chat_request_duration_seconds_bucket{method="GET",route="/health",status_code="200",le="0.1"} 90
video_chat_request_duration_seconds_bucket{method="GET",route="/health",status_code="200",le="+Inf"} 100
video_chat_request_duration_seconds_sum{method="GET",route="/health",status_code="200"} 6.5
video_chat_request_duration_seconds_count{method="GET",route="/health",status_code="200"} 100
"""  # noqa: E501


def exposition(*, sessions: int, queue: int, filled: bool) -> str:
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
            lines += [line for line in _FILLED.splitlines() if line.startswith(name)]
    return "\n".join(lines) + "\n"
