"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator
from pathlib import Path

from tests.browser.http.alpn.server import Choice
from tests.browser.http.asking import AskedRow

OUTCOMES = Path(__file__).with_name("outcomes.json")
_GROUP = "protocols by ALPN"
_CHOICES = (
    *("h2", "http/1.1", "http/1.0", "http/0.9", "spdy/3.1", "h2c", "h2-14", "h3", "H2"),
    *("HTTP/1.1", "http/1.1 ", "hq", "acme-tls/1", "x", "stun.turn", "webrtc", "imap"),
)


class AlpnRow(AskedRow, frozen=True):
    """One server."""

    name: str
    choice: Choice
    group: str = _GROUP


def unasked_rows() -> Iterator[AlpnRow]:
    """The rows alone."""
    for version in ("1.3", "1.2"):
        for chosen in (*_CHOICES, None):
            speaks = (
                ("h1", "h2", "the client's")
                if chosen in ("h2", "http/1.1", None)
                else ("the client's",)
            )
            for each in speaks:
                words = f"TLS {version}: chooses {chosen or 'nothing'}, speaks {each}"
                yield AlpnRow(words, Choice(chosen, each, version))
        late = Choice("h2", "h2", version, at_once=False)
        yield AlpnRow(f"TLS {version}: chooses h2, waits for the client", late)
