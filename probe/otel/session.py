"""The HTTP session of the OpenTelemetry SDK's exporters, whose timeout is for all of a request.

That of requests is for each address of a name and for each read: an endpoint that sends a byte
now and then would hold the exporter's thread for ever.
"""

import io
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import Request

import certifi
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from probe.net.flow.blocking_http import BlockingResponse, RequestFailed, open_with, send_request

MAX_ANSWER = 1 << 20
# Where the exporter gives none.
_SECONDS = 10.0


def bounded_session() -> requests.Session:
    """A session that takes no redirects, and whose requests end in time."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _BoundedAdapter())
    return session


class _BoundedAdapter(BaseAdapter):
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer. Raises requests.ConnectionError."""
        seconds = timeout if isinstance(timeout, int | float) and timeout > 0 else _SECONDS
        body: Any = request.body.encode() if isinstance(request.body, str) else request.body
        headers: Any = request.headers
        try:
            context = _context(verify, cert) if (request.url or "").startswith("https") else None
            response = send_request(
                Request(  # noqa: S310 - a setting, of which the scheme is checked
                    request.url or "",
                    data=body,
                    headers=dict(headers),
                    method=request.method,
                ),
                open_with(context, redirects=False),
                seconds=seconds,
                read_timeout=seconds,
                max_bytes=MAX_ANSWER,
            )
        except RequestFailed as error:
            raise requests.ConnectionError(str(error), request=request) from None
        return _response(request, response)

    def close(self) -> None:
        """Nothing is kept open."""


def _response(request: requests.PreparedRequest, answered: BlockingResponse) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = answered.status, str(answered.status)
    response.headers = CaseInsensitiveDict(answered.headers)
    response.raw = io.BytesIO(answered.body)
    response.url, response.request = request.url or "", request
    return response


def _context(
    verify: bool | str, cert: bytes | str | tuple[bytes | str, bytes | str] | None
) -> ssl.SSLContext:
    trusted = verify if isinstance(verify, str) else certifi.where()
    folder = os.path.isdir(trusted)
    context = ssl.create_default_context(
        cafile=None if folder else trusted, capath=trusted if folder else None
    )
    if cert is not None:
        pair = cert if isinstance(cert, tuple) else (cert,)
        context.load_cert_chain(*pair)
    return context
