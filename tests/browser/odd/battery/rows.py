"""The rows, as data: what a server sends, and what Chromium 156 made of it.

``websocket.json`` and ``signaling.json`` have the fields of ``WireBends`` and ``SignalingBends``
that differ from a proper server's. Bytes are hexadecimal digits, with ``zlib:`` before them in
base64 where they are long; a packet that is binary begins with ``hex:``. ``chromium`` is ``ready``,
or how the session of socket.io-client ended.
"""

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tests.browser.odd.battery.reasons import WHY
from tests.browser.odd.signaling_server import SignalingBends
from tests.browser.odd.websocket_server import WireBends

FOLDER = Path(__file__).parent
READY = "ready"


class Row(Struct, frozen=True):
    """One odd server."""

    group: str
    name: str
    bends: WireBends | SignalingBends
    chromium: str
    over: str = "websocket"
    table: dict[str, Any] = field(default_factory=dict)

    @property
    def is_taken(self) -> bool:
        """Whether a page in Chromium has a session."""
        return self.chromium == READY

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


def websocket_rows() -> Sequence[Row]:
    """Servers that write handshake and frames themselves."""
    return _read("websocket", _wire)


def signaling_rows() -> Sequence[Row]:
    """Servers that are odd in Engine.IO or Socket.IO."""
    return _read("signaling", _signaling)


def write_outcomes(name: str, found: dict[str, str]) -> None:
    """Keep what Chromium makes of the rows of this file today."""
    file = FOLDER / f"{name}.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    for each in kept:
        each["chromium"] = found.get(each["name"], each["chromium"])
    lines = ",\n".join(json.dumps(each) for each in kept)
    file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def unpacked(text: str) -> bytes:
    """Bytes from their digits."""
    if text.startswith("zlib:"):
        return zlib.decompress(base64.b64decode(text.removeprefix("zlib:")))
    return bytes.fromhex(text)


def _read(name: str, make: Callable[[dict[str, Any]], WireBends | SignalingBends]) -> list[Row]:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [
        Row(
            each["group"],
            each["name"],
            make(each["bends"]),
            each["chromium"],
            each.get("over", "websocket"),
        )
        for each in kept
    ]


def _wire(data: dict[str, Any]) -> WireBends:
    found: dict[str, Any] = dict(data)
    found["headers"] = [_text(each) for each in data.get("headers", WireBends().headers)]
    for name in ("before", "beside"):
        if name in data:
            found[name] = unpacked(data[name])
    return WireBends(**found)


def _signaling(data: dict[str, Any]) -> SignalingBends:
    found = {name: _texts(value) for name, value in data.items()}
    for name in ("first", "before", "beside"):
        if name in found:
            found[name] = tuple(map(_packet, found[name]))
    for name in ("lead", "tail"):
        if name in found:
            found[name] = unpacked(data[name])
    return SignalingBends(**found)


def _packet(text: str) -> str | bytes:
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text


def _text(text: str) -> str:
    """What is long is packed."""
    return unpacked(text).decode("utf-8", "surrogatepass") if text.startswith("zlib:") else text


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_texts(each) for each in value]
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    return value
