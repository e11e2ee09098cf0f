"""TLS contexts that tell when a handshake began and whose certificate was shown."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured

CA_HINT = "Put the file back, or change PROBE_CA_FILE or ca_file."
# When each file was last seen to change: few, they come from the configuration.
_changes: dict[Path, int] = {}


class TlsObserver:
    """What is known of the last handshake of one client.

    ``on_begin`` is told when a handshake begins: when the TCP connection stands. Neither
    asyncio nor aiohttp says so elsewhere.
    """

    def __init__(self, on_begin: Callable[[], None] = lambda: None) -> None:
        self._on_begin = on_begin
        self._shown: ssl.SSLObject | None = None

    def start(self, shown: ssl.SSLObject) -> None:
        """A handshake begins; ``shown`` will know the certificate."""
        self._shown = shown
        self._on_begin()

    def certificate_expiry(self) -> float | None:
        """When the server's certificate ends, in seconds since 1970; None without a handshake.

        Python tells the server's own certificate alone, not those of its authorities.
        """
        try:
            certificate = self._shown.getpeercert() if self._shown is not None else None
        except ValueError:  # the handshake did not get so far
            return None
        if not certificate or "notAfter" not in certificate:
            return None
        return float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))


_watching: ContextVar[TlsObserver | None] = ContextVar("watching", default=None)


@contextmanager
def observe_handshakes(handshake: TlsObserver) -> Iterator[None]:
    """Have the handshakes that this task and its children make told to ``handshake``."""
    token = _watching.set(handshake)
    try:
        yield
    finally:
        _watching.reset(token)


class _Context(ssl.SSLContext):
    """Tells who watches that a handshake begins; asyncio asks it for a TLS object then."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        shown = super().wrap_bio(*args, **kwargs)
        watcher = _watching.get()
        if watcher is not None:
            watcher.start(shown)
        return shown


def client_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """A verifying context that trusts the system's authorities, and ``ca_file`` beside them.

    Reading the authorities takes longer than a round trip on a fast path, and would show in
    whatever is measured at the same time. So a context is made once for each ``ca_file``,
    and anew when that file changes.
    """
    return _context(ca_file, last_change(ca_file))


def last_change(ca_file: Path | None) -> int:
    """What changes with the file; a file that goes is what it was when it was last there.

    Raises NotMeasured for one that never was.
    """
    if ca_file is None:
        return 0
    try:
        _changes[ca_file] = ca_file.stat().st_mtime_ns
    except OSError as error:
        if ca_file not in _changes:
            problem = f"the CA file {ca_file} can't be read: {error.strerror or error}"
            raise NotMeasured(Cause.INTERNAL_ERROR, problem, hint=CA_HINT) from None
    return _changes[ca_file]


@lru_cache(maxsize=16)
def _context(ca_file: Path | None, _changed: int) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def translate_tls(error: ssl.SSLError, host: str) -> CheckAborted:
    """The one place where a TLS error becomes a cause (OpenSSL's X509_V_ERR codes)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "verification failed"
        return CheckFailed(Cause.TLS_INVALID, f"the certificate of {host}: {reason}")
    reason = (error.reason or "handshake failed").lower().replace("_", " ")
    return CheckFailed(Cause.TLS_FAILED, f"the TLS handshake with {host} failed: {reason}")
