"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tests.browser.http.alpn.server import Choice
from tests.browser.odd_rows import kept_outcomes

OUTCOMES = Path(__file__).with_name("outcomes.json")
_GROUP = "protocols by ALPN"
_CHOICES = (
    *("h2", "http/1.1", "http/1.0", "http/0.9", "spdy/3.1", "h2c", "h2-14", "h3", "H2"),
    *("HTTP/1.1", "http/1.1 ", "hq", "acme-tls/1", "x", "stun.turn", "webrtc", "imap"),
)


class AlpnRow(Struct, frozen=True):
    """One server."""

    name: str
    choice: Choice
    chromium: str = ""
    group: str = _GROUP

    @property
    def is_taken(self) -> bool:
        """Whether Chromium shows an answer."""
        return self.chromium == "ok"

    @property
    def why(self) -> str:
        """Nothing: the check differs nowhere."""
        return ""


def alpn_rows() -> Sequence[AlpnRow]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes(OUTCOMES)
    return [replace(row, chromium=kept[row.name]) for row in unasked_rows()]


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
