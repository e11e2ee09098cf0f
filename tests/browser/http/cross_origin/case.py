"""One request of a page, and what servers say to it."""

from collections.abc import Sequence

from tests.browser.http.asking import AskedRow
from tests.browser.http.cross_origin.server import Api

_WITHIN = "the first address is the operator's: a probe may ask from within, users by TLS"
WHY = {
    "a secure page asks by http:": _WITHIN,
    "a secure page asks by http:, to http:": _WITHIN,
    "a secure page asks by http:, to https:": _WITHIN,
}
ORIGIN, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
ALLOWED, ANY, NULL = f"{ORIGIN}: <PAGE>", f"{ORIGIN}: *", f"{ORIGIN}: null"
ECHO, WITH_COOKIES = f"{ORIGIN}: <ECHO>", f"{CREDENTIALS}: true"
PAGE_ITSELF = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
PAGE = Api({"*": PAGE_ITSELF})


class CrossRow(AskedRow, frozen=True):
    """One request of a page, ``wants``: its method, path, and headers that need permission."""

    group: str
    name: str
    servers: Sequence[Api]
    wants: str = "GET /"
    credentials: bool = False
    start: str = "<0>"
    page: Api = PAGE

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


def answer(*lines: str, status: int = 200) -> str:
    """An answer with these headers."""
    head = [f"HTTP/1.1 {status} S", *lines, "Content-Length: 2", "Connection: close"]
    return "\r\n".join([*head, "", "ok" if status not in (204, 304) else ""])


def moved(to: str, *lines: str, status: int = 302) -> str:
    """A redirect with these headers."""
    return answer(f"Location: {to}", *lines, status=status)
