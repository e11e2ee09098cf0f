"""The rows, as data: what a server sends, and what Chromium 156 made of it.

``http1.json`` has answers as text (Latin-1), one for each connection, the last for all that follow;
``PORT`` is the server's own port, ``then`` says how a connection ends (``cut`` is TLS without its
close_notify), ``tls`` whether it is one of TLS. ``http2.json`` has frames in
hexadecimal digits, one answer for each request, and whether the connection ends with it. What is
long begins with ``zlib:``. ``chromium`` is ``ok``, a status code, or the error that a user sees.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

FOLDER = Path(__file__).parent
HTTP1, HTTP2 = FOLDER / "http1.json", FOLDER / "http2.json"
_SAVED = "a file to be saved, not a page: nothing is wrong with the answer"
_THIS_MACHINE = "the visitor's own machine to Chromium, a reserved address here"
_UNDECODED = ("gzip,", ",gzip", "gzip, identity", "none", "binary", "x-zstd", "x-br", "x-deflate")
_FLOODS = "a check ends what sends more beside the content than content"
_LEADS_NOWHERE = "an alternative service leads a visit nowhere, so that its frame is not read"
# Rows in which the two differ, and why.
WHY = {
    "to //0:PORT/x": _THIS_MACHINE,
    "to //0.0.0.0:PORT/x": _THIS_MACHINE,
    "CE gzip on twice": _SAVED,
    "CE gzip x16": _SAVED,
    "CE gzip x20": _SAVED,
    "CE br bit flipped in the middle": _SAVED,
    "header CT octet": _SAVED,
    "header CT multipart": _SAVED,
    "header CT zip": _SAVED,
    "header CD attachment": _SAVED,
    "Refresh: 0;url=/a then 500": "asked for the first page: its users get the one behind it",
    "chunk trailers of 300 kB": _FLOODS,
    "the end behind \u201cHTTP/1.1 100 C\u201d": "Chromium shows it as if it were 200",
    "ALTSVC of garbage, before the answer": _LEADS_NOWHERE,
    "ALTSVC of garbage, within it": _LEADS_NOWHERE,
    "head 101": "Chromium shows it as if it were 200",
    "head 101, END_STREAM": "Chromium shows it as if it were 200",
    **{f"CE \u201c{each}\u201d gzip body": _SAVED for each in _UNDECODED},
}


class Row(Struct, frozen=True):
    """One odd server. ``http2`` has frames in ``answers``."""

    group: str
    name: str
    answers: tuple[bytes, ...]
    chromium: str
    then: str = "close"
    opening: bytes = b""
    closes: tuple[bool, ...] = ()
    tls: bool = False

    @property
    def is_http2(self) -> bool:
        """Whether it is a server of HTTP/2 over TLS."""
        return bool(self.closes)

    @property
    def is_tls(self) -> bool:
        """Whether it is a server of TLS."""
        return self.tls or self.is_http2

    @property
    def is_taken(self) -> bool:
        """Whether Chromium shows an answer; at 204 and 205 it keeps its page, as it should."""
        return self.chromium == "ok"

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


def http1_rows() -> Sequence[Row]:
    """The servers of HTTP/1.x."""
    return [_http1(each) for each in json.loads(HTTP1.read_text(encoding="utf-8"))]


def http2_rows() -> Sequence[Row]:
    """The servers of HTTP/2."""
    return [_http2(each) for each in json.loads(HTTP2.read_text(encoding="utf-8"))]


def all_rows() -> Sequence[Row]:
    """All of them."""
    return [*http1_rows(), *http2_rows()]


def write_outcomes(rows: Sequence[Row]) -> None:
    """Keep what Chromium makes of the rows today."""
    found = {row.name: row.chromium for row in rows}
    for file in (HTTP1, HTTP2):
        kept = json.loads(file.read_text(encoding="utf-8"))
        for each in kept:
            each["chromium"] = found.get(each["name"], each["chromium"])
        lines = ",\n".join(json.dumps(each) for each in kept)
        file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def seen_by_chromium(row: Row, outcome: str) -> Row:
    """The row with another outcome."""
    return replace(row, chromium=outcome)


def _http1(data: dict[str, Any]) -> Row:
    answers = tuple(_unpacked(each).encode("latin-1") for each in data["answers"])
    then, tls = data.get("then", "close"), data.get("tls", False)
    return Row(data["group"], data["name"], answers, data["chromium"], then, tls=tls)


def _http2(data: dict[str, Any]) -> Row:
    answers = tuple(
        _unpacked(each).encode("latin-1") if each.startswith("zlib:") else bytes.fromhex(each)
        for each in data["answers"]
    )
    opening, closes = bytes.fromhex(data["opening"]), tuple(data["closes"])
    return Row("HTTP/2", data["name"], answers, data["chromium"], opening=opening, closes=closes)


def _unpacked(text: str) -> str:
    if not text.startswith("zlib:"):
        return text
    return zlib.decompress(base64.b64decode(text.removeprefix("zlib:"))).decode("latin-1")
