"""One page, and what the browser and the check are asked about it."""

import html
import json
from collections.abc import Sequence

from tests.browser.http.asking import AskedRow
from tests.browser.http.policies.server import Site, answer

PAGE, API, SOCKET = "https://page.shop.test", "https://api.shop.test", "wss://api.shop.test"
POLLING, WEBSOCKET = f"{API}/socket.io/", f"{SOCKET}/socket.io/"


class PolicyRow(AskedRow, frozen=True):
    """``lines`` are headers, with the type; ``connects`` is where the page's script connects to.
    In addresses ``<PLAIN>`` is a port of this machine."""

    group: str
    name: str
    lines: Sequence[str] = ()
    head: str = ""
    connects: Sequence[str] = ()
    url: str = f"{PAGE}/"
    kind: str | None = "text/html"
    document: str = ""
    differs: str = ""

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return self.differs

    def page(self, site: Site) -> bytes:
        """What the server answers."""
        kinds = [] if self.kind is None else [f"Content-Type: {self.kind}"]
        connects = html.escape(json.dumps([*self.connects]))
        text = self.document or (
            f"<!doctype html><html><head><title>x</title>{self.head}</head>"
            f'<body data-connect="{connects}"><script src="/app.js"></script></body></html>'
        )
        coding = "utf-16-le" if "utf-16" in (self.kind or "") else "utf-8"
        return answer(site.filled(text).encode(coding), *kinds, *self.lines)
