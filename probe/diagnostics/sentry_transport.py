"""How events get to Sentry: like the SDK's own transport, but no redirect is followed.

The SDK's HttpTransport follows redirects and sends the project's key along, to whatever host
an address says that was mistyped, has been taken over, or is not Sentry at all.
"""

import gzip
import io
import os
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.request import OpenerDirector, Request

import certifi
from sentry_sdk.consts import VERSION, EndpointType
from sentry_sdk.transport import Transport
from sentry_sdk.worker import BackgroundWorker

from probe.net.flow.blocking_http import open_with, send_request

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope

_CLIENT = f"paircam-probe sentry-sdk/{VERSION}"
QUEUE_SIZE = 100
# For each event as a whole.
TIMEOUT_SECONDS = 10.0
# How long a server that answers 429 without a time is left alone.
PAUSE_SECONDS = 60.0
_MAX_PAUSE = 3600.0
_MAX_ANSWER = 1 << 16


class NoRedirectTransport(Transport):
    """Sends envelopes from a thread of its own, one after the other; what fails is dropped."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        super().__init__(options)
        self._worker = BackgroundWorker(queue_size=QUEUE_SIZE)
        self._quiet_until = 0.0
        self._auth = self.parsed_dsn.to_auth(_CLIENT) if self.parsed_dsn else None
        self._url = self._auth.get_api_url(EndpointType.ENVELOPE) if self._auth else ""
        self._opener = _opener()

    def capture_envelope(self, envelope: "Envelope") -> None:
        """Queue it; a full queue drops it."""
        if self._auth is not None:
            self._worker.submit(lambda: self._send(envelope))

    def flush(self, timeout: float, callback: Callable[[int, float], None] | None = None) -> None:
        """Wait at most so many seconds for what is queued."""
        if timeout > 0:
            self._worker.submit(lambda: None)
            self._worker.flush(timeout, callback)

    def kill(self) -> None:
        """Send nothing more."""
        self._worker.kill()

    def is_healthy(self) -> bool:
        """Whether events get through, as far as is known."""
        return time.monotonic() >= self._quiet_until and not self._worker.full()

    def _send(self, envelope: "Envelope") -> None:
        if self._auth is None or time.monotonic() < self._quiet_until:
            return
        body = io.BytesIO()
        with gzip.GzipFile(fileobj=body, mode="w", compresslevel=5) as file:
            envelope.serialize_into(file)
        headers = {
            "User-Agent": _CLIENT,
            "X-Sentry-Auth": self._auth.to_header(),
            "Content-Type": "application/x-sentry-envelope",
            "Content-Encoding": "gzip",
        }
        try:
            response = send_request(
                Request(  # noqa: S310 - the scheme is checked
                    self._url, data=body.getvalue(), headers=headers, method="POST"
                ),
                self._opener,
                seconds=TIMEOUT_SECONDS,
                read_timeout=TIMEOUT_SECONDS,
                max_bytes=_MAX_ANSWER,
            )
        except (OSError, ValueError):
            return
        if response.status == 429:
            self._quiet_until = time.monotonic() + _pause(response.headers.get("Retry-After", ""))


def _pause(text: str) -> float:
    is_number = text.isascii() and text.isdigit() and len(text) < 7
    return min(float(text), _MAX_PAUSE) if is_number else PAUSE_SECONDS


def _opener() -> OpenerDirector:
    trusted = os.environ.get("SSL_CERT_FILE") or certifi.where()
    return open_with(ssl.create_default_context(cafile=trusted), redirects=False)
