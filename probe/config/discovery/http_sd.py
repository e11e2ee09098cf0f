"""HTTP SD: one GET, as Prometheus sends it."""

import http.client
import socket
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from probe.net.flow.blocking_deadline import BlockingDeadline, watch
from probe.net.urls import show_url

SECONDS = 5.0
"""How long the endpoint may be silent."""
TOTAL_SECONDS = 15.0
"""How long the whole answer may take, redirects included."""
_REFRESH = "X-Prometheus-Refresh-Interval-Seconds"


def fetch(address: str, token: str, refresh: float, limit: int) -> str:
    """The endpoint's body. Raises OSError, and ValueError for what is no answer.

    Blocks for seconds; proxies are the environment's. Nothing secret is in an error.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ValueError("is not a web address")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        headers={"Accept": "application/json", _REFRESH: f"{refresh:g}"},
    )
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request.add_unredirected_header("Authorization", f"Basic {b64encode(pair).decode()}")
    with BlockingDeadline(TOTAL_SECONDS) as deadline:
        try:
            body = _body(request, limit)
        except (OSError, ValueError, http.client.HTTPException):
            if deadline.passed:
                raise _too_slow() from None
            raise
        if deadline.passed:
            raise _too_slow()
    if len(body) > limit:
        raise ValueError(f"{show_url(address)} sends more than {limit} bytes")
    return body.decode("utf-8")


def _body(request: urllib.request.Request, limit: int) -> bytes:
    opener = urllib.request.build_opener(_HttpHandler, _HttpsHandler)
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            if answer.status != 200:
                raise ValueError(f"answers {answer.status}")
            body: bytes = answer.read(limit + 1)
            return body
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"answers {error.code}") from None
    except urllib.error.URLError as error:
        raise ValueError(f"can't be reached: {error.reason}") from None
    except TimeoutError:
        raise ValueError(f"no answer within {SECONDS:g} s") from None
    except http.client.HTTPException as error:
        # Its text is the server's.
        raise ValueError(f"does not answer in HTTP ({type(error).__name__})") from None


def _too_slow() -> ValueError:
    return ValueError(f"no complete answer within {TOTAL_SECONDS:g} s")


class _WatchedHttp(http.client.HTTPConnection):
    sock: socket.socket | None

    def connect(self) -> None:
        """Connect, watched by the deadline."""
        watch(self)
        super().connect()
        watch(self)


class _WatchedHttps(http.client.HTTPSConnection):
    sock: socket.socket | None

    def connect(self) -> None:
        """Connect, watched by the deadline."""
        watch(self)
        super().connect()
        watch(self)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open with a watched connection."""
        return self.do_open(_WatchedHttp, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open with a watched connection."""
        made: Any = _WatchedHttps
        return self.do_open(made, req)
