"""The modules that are there without any configuration; one of the same name replaces them."""

from collections.abc import Mapping
from typing import Any

from probe.exporter.modules.module import Module

_TURN_SECONDS, _CALL_SECONDS = "10s", "30s"
_TABLES: Mapping[str, Mapping[str, Any]] = {
    "http_2xx": {"prober": "http"},
    "http_post_2xx": {"prober": "http", "http": {"method": "POST"}},
    "tcp_connect": {"prober": "tcp"},
    "tls": {"prober": "tcp", "tcp": {"tls": True}},
    "stun": {"prober": "stun", "timeout": _TURN_SECONDS},
    "turn_udp": {"prober": "turn", "timeout": _TURN_SECONDS, "turn": {"transport": "udp"}},
    "turn_tcp": {"prober": "turn", "timeout": _TURN_SECONDS, "turn": {"transport": "tcp"}},
    "turn_tls": {"prober": "turn", "timeout": _TURN_SECONDS, "turn": {"transport": "tls"}},
    "turn_allocate": {"prober": "turn", "timeout": _TURN_SECONDS},
    "relay": {"prober": "relay", "timeout": _TURN_SECONDS},
    "call": {"prober": "call", "timeout": _CALL_SECONDS},
    "socketio": {"prober": "socketio", "timeout": _TURN_SECONDS},
    "websocket": {"prober": "websocket"},
    "dns": {"prober": "dns", "dns": {"query_name": ".", "query_type": "NS"}},
    "icmp": {"prober": "icmp"},
}


def builtin_modules() -> dict[str, Module]:
    """Each by its name."""
    return {name: Module.model_validate(table) for name, table in _TABLES.items()}
