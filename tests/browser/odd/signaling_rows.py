"""Odd Socket.IO servers, and what socket.io-client in Chromium and the probe make of each."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from tests.browser.odd.signaling_server import SignalingBends

READY = "ready"
CONNECTED = '42/signaling,["connected",{}]'
ACCEPTED = '40/signaling,{"sid":"n1"}'
PLACEHOLDER = '["x",{"_placeholder":true,"num":%d}]'
BINARY = b"\1\2"
OF_THE_PAGE = "ORIGIN"
"""Stands for the page's origin."""
_PROTOCOL, _CORS, _STATUS = "protocol_error", "cors_rejected", "http_status"
_POLL, _POST = "connect_error: xhr poll error", "connect_error: xhr post error"
_SOCKET, _PARSE = "connect_error: websocket error", "disconnect: parse error"
_TRANSPORT, _PING = "disconnect: transport error", "disconnect: ping timeout"
_NOTHING = "nothing"
ENDS_OF_POLLING = frozenset({_POLL, _POST, _TRANSPORT})
"""Which of the requests under way a page sees fail first is chance, where all of them do."""
_READABLE = {
    "Access-Control-Allow-Origin": OF_THE_PAGE,
    "Access-Control-Allow-Credentials": "true",
}


class OddSession(Struct, frozen=True):
    """``chromium`` is ``ready`` or how it ended, ``probe`` a cause or ``ok``; ``options`` are
    socket.io-client's, ``table`` the check's; ``hold`` is in milliseconds."""

    name: str
    bends: SignalingBends
    chromium: str
    probe: str
    why: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    hold: int = 100
    host: str = "127.0.0.1"


_ONLY_SOCKET = {"transports": ["websocket"]}
_CREDENTIALS: dict[str, Any] = {
    "options": {"withCredentials": True},
    "table": {"with_credentials": True},
}


def _odd(
    name: str, chromium: str, probe: str, why: str = "", *, over: str = "", **bends: Any
) -> OddSession:
    options = _ONLY_SOCKET if over == "websocket" else {}
    return OddSession(name, SignalingBends(**bends), chromium, probe, why, options)


def _sent(name: str, packets: Sequence[str | bytes], chromium: str, probe: str) -> OddSession:
    """What a server sends between CONNECT's answer and ``connected``, over WebSocket."""
    return _odd(name, chromium, probe, over="websocket", before=packets)


def _opening(name: str, fields: dict[str, Any], chromium: str, probe: str) -> OddSession:
    return _odd(name, chromium, probe, opening=fields)


TRANSPORTS = (
    _odd("as Socket.IO 5 says", READY, "ok"),
    _odd("the same, over WebSocket alone", READY, "ok", over="websocket"),
    _odd("polling refused by 400", _POLL, _PROTOCOL, polling=400),
    _odd(
        "polling refused by 400, the page begins with WebSocket",
        READY,
        "ok",
        over="websocket",
        polling=400,
    ),
    _odd("WebSocket refused by 400", READY, "ok", "stays on polling", websocket=400),
    _odd("WebSocket refused by 404", READY, "ok", "stays on polling", websocket=404),
    _odd(
        "WebSocket refused, the page knows no other",
        _SOCKET,
        _PROTOCOL,
        over="websocket",
        websocket=400,
    ),
    _odd("upgrades: none", READY, "ok", opening={"upgrades": []}, websocket=400),
    _odd("the upgrade's probe is not answered", READY, "ok", "stays on polling", probe_answer=None),
    _odd(
        "the upgrade's probe is answered by another",
        READY,
        "ok",
        "stays on polling",
        probe_answer="3other",
    ),
    _odd(
        "308 to another path",
        READY,
        "ok",
        "a WebSocket follows none: stays on polling",
        redirect=308,
    ),
    _odd(
        "307 to another path",
        READY,
        "ok",
        "a WebSocket follows none: stays on polling",
        redirect=307,
    ),
    _odd("302 to another path", _NOTHING, "deadline", "POST becomes GET", redirect=302),
    _odd("301 to another path", _NOTHING, "deadline", "POST becomes GET", redirect=301),
    _odd("308, over WebSocket alone", _SOCKET, _STATUS, over="websocket", redirect=308),
)
POLLING = (
    _odd("polling by gzip", READY, "ok", coding="gzip"),
    _odd("polling by deflate", READY, "ok", coding="deflate"),
    _odd("polling as text/html", READY, "ok", content_type="text/html"),
    _odd(
        "polling as application/octet-stream", READY, "ok", content_type="application/octet-stream"
    ),
    _odd("POST answered by 200 and no text", READY, "ok", posted=(200, "")),
    _odd("POST answered by 200 and another text", READY, "ok", posted=(200, "thanks")),
    _odd("POST answered by 204", _POST, _STATUS, posted=(204, "")),
    _odd("POST answered by 201", _POST, _STATUS, posted=(201, "ok")),
    _odd("POST answered by 500", _POST, _STATUS, posted=(500, "no")),
    _odd("GET answered by 201", _POLL, _STATUS, polling=201),
    _odd("a cookie is wanted, and the page sends none", _POST, _PROTOCOL, cookie=True),
    OddSession(
        "a cookie is wanted, withCredentials",
        SignalingBends(cookie=True, cors=_READABLE),
        READY,
        "ok",
        **_CREDENTIALS,
    ),
    OddSession(
        "the same, of another site (no SameSite=None)",
        SignalingBends(cookie=True, cors=_READABLE),
        _POST,
        _PROTOCOL,
        host="localhost",
        **_CREDENTIALS,
    ),
)
CORS = (
    _odd("CORS: no header", _POLL, _CORS, cors={}),
    _odd(
        "CORS: no header, over WebSocket alone",
        READY,
        _CORS,
        "socket.io-client begins with polling by default, so the check asks for it too",
        over="websocket",
        cors={},
    ),
    _odd(
        "CORS: another origin",
        _POLL,
        _CORS,
        cors={"Access-Control-Allow-Origin": "http://other.example"},
    ),
    _odd("CORS: null", _POLL, _CORS, cors={"Access-Control-Allow-Origin": "null"}),
    _odd("CORS: two values", _POLL, _CORS, cors={"Access-Control-Allow-Origin": "*, *"}),
    _odd(
        "CORS: a slash behind the origin",
        _POLL,
        _CORS,
        cors={"Access-Control-Allow-Origin": f"{OF_THE_PAGE}/"},
    ),
    _odd("CORS: for GET alone", _POST, _CORS, cors_of_post={}),
    _odd(
        "CORS: the origin, no credentials asked",
        READY,
        "ok",
        cors={"Access-Control-Allow-Origin": OF_THE_PAGE},
    ),
    OddSession("CORS: * with credentials", SignalingBends(), _POLL, _CORS, **_CREDENTIALS),
    OddSession(
        "CORS: credentials allowed by True",
        SignalingBends(cors={**_READABLE, "Access-Control-Allow-Credentials": "True"}),
        _POLL,
        _CORS,
        **_CREDENTIALS,
    ),
)
OPENINGS = (
    _opening("no upgrades in the open packet", {"upgrades": None}, _NOTHING, _PROTOCOL),
    _opening(
        "no pingInterval and pingTimeout",
        {"pingInterval": None, "pingTimeout": None},
        _PING,
        _PROTOCOL,
    ),
    _opening(
        "pingInterval and pingTimeout as strings",
        {"pingInterval": "25000", "pingTimeout": "20000"},
        _PING,
        _PROTOCOL,
    ),
    _opening(
        "pingInterval and pingTimeout of 0", {"pingInterval": 0, "pingTimeout": 0}, _PING, _PROTOCOL
    ),
    _opening(
        "pingInterval of 2^31 ms", {"pingInterval": 2**31, "pingTimeout": 0}, _PING, _PROTOCOL
    ),
    OddSession(
        "no ping within pingInterval + pingTimeout (0.5 s)",
        SignalingBends(opening={"pingInterval": 300, "pingTimeout": 200}),
        _PING,
        "ok",
        "after 0.5 s; the check's session is over by then",
        hold=1500,
    ),
    _opening("sid: a number", {"sid": 7}, _POST, _PROTOCOL),
    _opening("sid: empty", {"sid": ""}, _POST, _PROTOCOL),
    _odd("no sid, over WebSocket alone", READY, "ok", over="websocket", opening={"sid": None}),
    _opening("maxPayload of 10", {"maxPayload": 10}, READY, "ok"),
    _opening("no maxPayload", {"maxPayload": None}, READY, "ok"),
    _odd("the open packet is not JSON", _NOTHING, _PROTOCOL, raw_opening="0{"),
    _odd("the open packet is null", _NOTHING, _PROTOCOL, raw_opening="0null"),
    _odd("a message in the place of the open packet", _NOTHING, _PROTOCOL, raw_opening="40"),
)
CONNECTS = (
    _odd(
        "CONNECT_ERROR with data",
        "connect_error: no",
        "auth_rejected",
        "the code 401 is in its data",
        first=['44/signaling,{"message":"no","data":{"code":401}}'],
    ),
    _odd("CONNECT_ERROR with a text", "connect_error: ", _PROTOCOL, first=['44/signaling,"no"']),
    _odd("CONNECT_ERROR with nothing", _NOTHING, _PROTOCOL, first=["44/signaling"]),
    _odd(
        "DISCONNECT behind CONNECT",
        "disconnect: io server disconnect",
        "auth_rejected",
        "as the backend refuses a token",
        first=[ACCEPTED, "41/signaling,"],
    ),
    _odd("another namespace answers", _NOTHING, "deadline", namespace="/other"),
    _odd(
        "CONNECT answered twice",
        READY,
        "ok",
        first=[ACCEPTED, '40/signaling,{"sid":"n2"}', CONNECTED],
    ),
    _odd("CONNECT with sid 7", READY, "ok", first=['40/signaling,{"sid":7}', CONNECTED]),
    _odd("CONNECT with pid", READY, "ok", first=['40/signaling,{"sid":"a","pid":"b"}', CONNECTED]),
    _odd("an event ahead of CONNECT's answer", READY, "ok", first=[CONNECTED, ACCEPTED]),
    *(
        _odd(
            f"closed by code {code}",
            "disconnect: transport close",
            "connection_closed",
            over="websocket",
            closes=code,
        )
        for code in (1000, 1001, 1008, 1011, 1013, 4001)
    ),
)
PACKETS = (
    _sent("a binary event", ["451-/signaling," + PLACEHOLDER % 0, BINARY], READY, "ok"),
    _sent(
        "a binary event without its data", ["451-/signaling," + PLACEHOLDER % 0], _PARSE, _PROTOCOL
    ),
    _sent(
        "a binary event with another placeholder",
        ["451-/signaling," + PLACEHOLDER % 5, BINARY],
        _PARSE,
        _PROTOCOL,
    ),
    _sent("binary data of no event", [BINARY], _PARSE, _PROTOCOL),
    _sent("an event that wants an acknowledgement", ['42/signaling,7["x",{}]'], READY, "ok"),
    _sent("an acknowledgement of nothing", ["43/signaling,7[]"], READY, "ok"),
    _sent('an event named "connect"', ['42/signaling,["connect",{}]'], _PARSE, _PROTOCOL),
    _sent('an event named "disconnect"', ['42/signaling,["disconnect","x"]'], _PARSE, _PROTOCOL),
    _sent("an event named 7", ["42/signaling,[7]"], READY, "ok"),
    _sent("an event without a name", ["42/signaling,[]"], _PARSE, _PROTOCOL),
    _sent("an event that is not a list", ['42/signaling,{"x":1}'], _PARSE, _PROTOCOL),
    _sent("an event that is not JSON", ['42/signaling,["x",'], _PARSE, _PROTOCOL),
    _sent("a Socket.IO packet of type 9", ['49/signaling,["x"]'], _PARSE, _PROTOCOL),
    _sent("an Engine.IO packet of type 9", ["9"], _TRANSPORT, _PROTOCOL),
    _sent("an empty message", [""], _TRANSPORT, _PROTOCOL),
    _sent("an Engine.IO close packet", ["1"], READY, "ok"),
    _sent("an Engine.IO upgrade packet", ["5"], READY, "ok"),
    _sent("an Engine.IO ping with text", ["2abc"], READY, "ok"),
    _sent(
        "a second open packet",
        ['0{"sid":"z","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'],
        READY,
        "ok",
    ),
    _odd(
        'an event "error"',
        READY,
        _PROTOCOL,
        "the library takes no notice; the application complains",
        before=['42/signaling,["error",{"message":"x"}]'],
    ),
)
ODD_SESSIONS = (*TRANSPORTS, *POLLING, *CORS, *OPENINGS, *CONNECTS, *PACKETS)
