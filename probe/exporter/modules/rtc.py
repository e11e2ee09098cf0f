"""The probers that blackbox_exporter lacks: STUN, TURN, calls, Socket.IO, WebSocket."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from probe.exporter.modules.credentials import Credentials
from probe.exporter.modules.fields import Addressed, Headers, Pattern, Secret, Strict, Text
from probe.exporter.modules.tls import TlsConfig
from probe.stun.uri import TransportProtocol
from probe.turn.resolve import Family


class StunProbe(Strict):
    """The keys of ``stun``: one Binding request."""

    family: Family | None = None


class TurnProbe(Strict):
    """The keys of ``turn``, ``relay`` and ``call``.

    ``transport`` is the way to the server; without it the target's URI says which.
    """

    transport: TransportProtocol | None = None
    family: Family | None = None
    echoes: int | None = Field(default=None, ge=1, le=1000)
    credentials: tuple[Credentials, ...] = ()


class SocketIoProbe(Strict):
    """The keys of ``socketio``: a session in a namespace.

    With ``ready_event`` the application has to send it; without a token a refusal is as good.
    """

    namespace: Text = Field(default="/", pattern=r"^/[^\s?#]*$")
    path: Text = Field(default="/socket.io", pattern=r"^/[^\s?#]*$")
    transport: Literal["websocket", "polling"] = "websocket"
    origin: Text | None = None
    ready_event: Text | None = Field(default=None, min_length=1)
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    extra_headers: Mapping[str, Secret] = Field(default_factory=dict)
    credentials: tuple[Credentials, ...] = ()


class WebSocketProbe(Addressed):
    """The keys of ``websocket``: the handshake (RFC 6455), what is sent, what has to come."""

    headers: Headers = Field(default_factory=dict, repr=False)
    subprotocols: tuple[Text, ...] = ()
    origin: Text | None = None
    send: Text = ""
    expect: Pattern | None = None
    tls_config: TlsConfig = Field(default_factory=TlsConfig)
    credentials: tuple[Credentials, ...] = ()
