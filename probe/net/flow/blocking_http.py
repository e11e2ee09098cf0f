"""One HTTP request of a client that blocks in a thread of its own, by urllib, as a whole within
a deadline. Proxies are those that urllib takes from the environment."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import partial
from http.client import HTTPMessage
from typing import IO, Any

from msgspec import Struct

from probe.net.flow.blocking_connection import DeadlineHttp, DeadlineHttps
from probe.net.flow.blocking_deadline import BlockingDeadline

__all__ = ["BlockingResponse", "RequestFailed", "open_with", "send_request"]


class RequestFailed(OSError):
    """There was none, or no whole one; its text says why, for people, and is not the server's."""


class BlockingResponse(Struct, frozen=True):
    """Of any status; ``body`` is as much of it as was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send_request(
    request: urllib.request.Request,
    opener: urllib.request.OpenerDirector,
    *,
    seconds: float,
    read_timeout: float,
    max_bytes: int,
) -> BlockingResponse:
    """The response, of at most ``max_bytes``, after at most ``seconds`` with everything: lookup,
    all addresses, TLS, redirects, the whole body. ``read_timeout``, in seconds, is of each read.

    Raises RequestFailed, and ValueError for what can't be a request.
    """
    with BlockingDeadline(seconds) as deadline:
        try:
            response = _response(request, opener, read_timeout, max_bytes)
        except (OSError, http.client.HTTPException) as error:
            raise RequestFailed(_reason(error, deadline, seconds, read_timeout)) from None
        if deadline.passed:
            raise RequestFailed(_too_slow(seconds))
        return response


def _response(
    request: urllib.request.Request,
    opener: urllib.request.OpenerDirector,
    read_timeout: float,
    max_bytes: int,
) -> BlockingResponse:
    try:
        with opener.open(request, timeout=read_timeout) as found:
            return BlockingResponse(found.status, dict(found.headers), found.read(max_bytes))
    except urllib.error.HTTPError as error:
        try:
            return BlockingResponse(error.code, dict(error.headers), b"")
        finally:
            error.close()


def _reason(
    error: OSError | http.client.HTTPException,
    deadline: BlockingDeadline,
    seconds: float,
    read_timeout: float,
) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if deadline.is_over():
        return _too_slow(seconds)
    if isinstance(inner, TimeoutError):
        return f"no answer within {read_timeout:g} s"
    if isinstance(inner, http.client.HTTPException):
        # Its text is the server's.
        return f"does not answer in HTTP ({type(inner).__name__})"
    return f"can't be reached: {inner}"


def _too_slow(seconds: float) -> str:
    return f"no complete answer within {seconds:g} s"


def open_with(
    tls: ssl.SSLContext | None = None, *, redirects: bool = True
) -> urllib.request.OpenerDirector:
    """What requests are opened with: HTTP and HTTPS alone, where ``build_opener`` would follow a
    redirect to FTP, too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects() if redirects else _NoRedirects(),
        _HttpHandler(),
        _HttpsHandler(tls),
    ):
        opener.add_handler(handler)
    return opener


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open under the deadline."""
        made: Any = DeadlineHttp
        return self.do_open(made, req)


class _HttpsHandler(urllib.request.AbstractHTTPHandler):
    """Not urllib's own: that one loads all authorities also where nothing is encrypted."""

    https_request = urllib.request.AbstractHTTPHandler.do_request_

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__()
        self._tls = tls

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open under the deadline."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        made: Any = partial(DeadlineHttps, context=self._tls)
        return self.do_open(made, req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Follow without reading the body of the redirect, which may have no end."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        fp.close()
        return following


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Answer with the redirect itself."""
        return
