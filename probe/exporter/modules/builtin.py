"""The modules that are there without any configuration; one of the same name replaces them."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


class Modules(Mapping[str, "Module"]):
    """The configured modules, and those built in that they leave, each of which is validated when
    it is first asked for: their models take 1.4 MB, and most daemons never probe on request."""

    def __init__(self, configured: "Mapping[str, Module]") -> None:
        self.configured = configured

    def __getitem__(self, name: str) -> "Module":
        if name not in self.configured and name in _TABLES:
            return _validated(name)
        return self.configured[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**_TABLES, **self.configured})

    def __len__(self) -> int:
        return len(_TABLES.keys() | self.configured.keys())


@cache
def _validated(name: str) -> "Module":
    from probe.exporter.modules.module import Module

    return Module.model_validate(_TABLES[name])
