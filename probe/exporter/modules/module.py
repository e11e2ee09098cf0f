"""A module: which prober, for how long, and the prober's keys."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from probe.exporter.modules.fields import Duration, Strict
from probe.exporter.modules.http import HttpProbe
from probe.exporter.modules.other import DnsProbe, IcmpProbe, TcpProbe
from probe.exporter.modules.rtc import SocketIoProbe, StunProbe, TurnProbe, WebSocketProbe

ProberName = Literal[
    "http", "tcp", "dns", "icmp", "stun", "turn", "relay", "call", "socketio", "websocket"
]
# The key that holds a prober's own keys; relay and call are of TURN's.
SECTIONS: dict[str, str] = {
    "http": "http",
    "tcp": "tcp",
    "dns": "dns",
    "icmp": "icmp",
    "stun": "stun",
    "turn": "turn",
    "relay": "turn",
    "call": "turn",
    "socketio": "socketio",
    "websocket": "websocket",
}


class Module(Strict):
    """One entry of ``modules``. ``timeout`` is in seconds; 0 leaves it to the scrape's."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        "grpc": "probe the service's HTTP health endpoint with the http prober",
        "unix": "probe a TCP port of the service with the tcp prober",
    }

    prober: ProberName
    timeout: Duration = 0.0
    http: HttpProbe = Field(default_factory=HttpProbe)
    tcp: TcpProbe = Field(default_factory=TcpProbe)
    dns: DnsProbe | None = None
    icmp: IcmpProbe = Field(default_factory=IcmpProbe)
    stun: StunProbe = Field(default_factory=StunProbe)
    turn: TurnProbe = Field(default_factory=TurnProbe)
    socketio: SocketIoProbe = Field(default_factory=SocketIoProbe)
    websocket: WebSocketProbe = Field(default_factory=WebSocketProbe)

    @model_validator(mode="after")
    def _has_its_section(self) -> Self:
        if self.prober == "dns" and self.dns is None:
            raise ValueError('the dns prober needs dns.query_name, such as "example.org"')
        return self

    @property
    def settings(self) -> Strict:
        """The keys of its own prober."""
        found: Strict = getattr(self, SECTIONS[self.prober])
        return found

    @property
    def shown(self) -> dict[str, Any]:
        """It as ``/config`` shows it: what was set, without secrets."""
        section = SECTIONS[self.prober]
        found: dict[str, Any] = {"prober": self.prober}
        if self.timeout:
            found["timeout"] = f"{self.timeout:g}s"
        keys = _shown(self.settings)
        return {**found, section: keys} if keys else found


def secrets_of(value: object) -> set[str]:
    """Every secret in a module, and what its headers carry."""
    if isinstance(value, SecretStr):
        return {value.get_secret_value()}
    if isinstance(value, Strict):
        found = {name: getattr(value, name) for name in type(value).model_fields}
        headers = found.pop("headers", None) or {}
        texts = {text for text in headers.values() if isinstance(text, str) and len(text) > 3}
        return texts.union(secrets_of(headers), *map(secrets_of, found.values()))
    if isinstance(value, dict):
        return set[str]().union(*map(secrets_of, value.values()))
    if isinstance(value, tuple):
        return set[str]().union(*map(secrets_of, value))
    return set()


SECRET = "<secret>"


def _shown(value: object, *, hidden: bool = False) -> Any:
    if isinstance(value, Strict):
        given = sorted(value.model_fields_set, key=list(type(value).model_fields).index)
        return {
            name: _shown(getattr(value, name), hidden=name in ("headers", "ca", "cert", "body"))
            for name in given
        }
    if isinstance(value, SecretStr):
        return SECRET
    if isinstance(value, dict):
        return {name: SECRET if hidden else _shown(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_shown(each) for each in value]
    if hasattr(value, "pattern"):
        return value.pattern
    if hidden and value:
        return SECRET
    return value if isinstance(value, bool | int | float) or value is None else str(value)
