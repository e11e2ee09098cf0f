"""Reports the probe's own errors to Sentry; failures of targets are not reported.

Off without a DSN; then the SDK isn't even loaded. Nothing in the process is patched: no library
sends Sentry's headers to a target, and no task is wrapped. The SDK's asyncio integration would
report every exception of every task, also those that whoever awaits the task expects (each refused
connection), and has coroutines cancelled before their start complain. Exceptions that are never
retrieved reach asyncio's logger, and from there Sentry.
"""

import asyncio
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from probe.core.model import CheckAborted
from probe.diagnostics.redact import Redactor

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

OURS = ("probe", "alerts")
_LOGGERS = (*OURS, "asyncio")
_MINUTE, _HOUR = 60.0, 3600.0
_MAX_PER_HOUR = 20
_CLOSE_SECONDS = 1.5
_DENIED = ("turn_password", "jwt_secret", "webhook", "dsn", "heartbeat_url", "peer_token")
_KEY = re.compile(r"[0-9A-Za-z]+\Z")
_Trace = TracebackType | None
_NUMBER = re.compile(r"\d+")
_DSN_EXAMPLE = "https://KEY@HOST/PROJECT"


def check_dsn(text: str) -> str:
    """The DSN unchanged. Raises ValueError that says what is wrong without showing it."""
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname and parts.port != 0)
    except ValueError:
        raise ValueError(f"it is not an address: write it like {_DSN_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not whole or not text.isprintable():
        raise ValueError(f"it is not a web address: write it like {_DSN_EXAMPLE}")
    if not _KEY.match(parts.username or ""):
        raise ValueError(f"it has no public key: write it like {_DSN_EXAMPLE}")
    if not parts.path.rpartition("/")[2].isdigit():
        raise ValueError(f"it does not end in a project number: write it like {_DSN_EXAMPLE}")
    return text


def start(
    dsn: str | None,
    *,
    release: str,
    environment: str,
    region: str,
    redactor: Redactor,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Report errors from now on; False, and nothing happens, without a DSN.

    An error is an ERROR record of our loggers, an unhandled exception in our code that asyncio
    reports, or one that ends the process. The same one is sent once a minute, and all together 20
    times an hour by ``clock`` (monotonic seconds). Raises ValueError for a malformed DSN, without
    showing it.
    """
    if not dsn:
        return False
    try:
        check_dsn(dsn)
    except ValueError as error:
        raise ValueError(f"PROBE_SENTRY_DSN: {error}") from None
    import sentry_sdk

    try:
        sentry_sdk.init(dsn, **_options(release, environment, region, EventFilter(redactor, clock)))
    except sentry_sdk.utils.BadDsn:
        raise ValueError(f"PROBE_SENTRY_DSN: write it like {_DSN_EXAMPLE}") from None
    sentry_sdk.get_global_scope().set_tag("region", region)
    _listen()
    if not isinstance(sys.excepthook, _FlushingHook):
        sys.excepthook = _FlushingHook(sys.excepthook)
    return True


def check_in(slug: str, ok: bool, every_minutes: int) -> None:
    """Send a check-in to Sentry's cron monitor ``slug``, which is created if needed.

    Three missing or bad ones in a row, ``every_minutes`` apart, open an issue.
    """
    if not is_on():
        return
    from sentry_sdk.crons import capture_checkin

    capture_checkin(
        monitor_slug=re.sub(r"[^a-z0-9_-]+", "-", slug.lower())[:50],
        status="ok" if ok else "error",
        monitor_config={
            "schedule": {"type": "interval", "value": every_minutes, "unit": "minute"},
            "checkin_margin": max(1, every_minutes),
            "max_runtime": max(1, every_minutes),
            "failure_issue_threshold": 3,
            "recovery_threshold": 1,
        },
    )


async def close() -> None:
    """Flush for at most 1.5 s.

    A crash after that is still reported, unless Sentry has just not answered.
    """
    if not is_on():
        return
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await asyncio.to_thread(_flush, _CLOSE_SECONDS - 0.1)
    except TimeoutError:
        return


class _FlushingHook:
    """Sends what ends the process before the interpreter begins to end: from then on some Pythons
    (3.12.1) start no thread, and it takes one to send."""

    def __init__(
        self, reported: Callable[[type[BaseException], BaseException, _Trace], object]
    ) -> None:
        self._reported = reported

    def __call__(self, kind: type[BaseException], error: BaseException, trace: _Trace) -> None:
        self._reported(kind, error, trace)
        if is_on():
            _flush(_CLOSE_SECONDS)


class RateLimit:
    """Lets the same thing through once a minute and 20 things an hour in all."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._let: deque[tuple[float, Hashable]] = deque()

    def allows(self, key: Hashable) -> bool:
        """Whether it may pass now; if so, that counts."""
        with self._lock:
            now = self._clock()
            while self._let and now - self._let[0][0] >= _HOUR:
                self._let.popleft()
            alike = any(now - at < _MINUTE for at, other in self._let if other == key)
            if alike or len(self._let) >= _MAX_PER_HOUR:
                return False
            self._let.append((now, key))
            return True


class EventFilter:
    """What every event passes on its way out; if it breaks, the SDK sends nothing."""

    def __init__(self, redactor: Redactor, clock: Callable[[], float]) -> None:
        self._redactor = redactor
        self._allowance = RateLimit(clock)

    def filter(self, event: "Event", _: "Hint") -> "Event | None":
        """The event without secrets, or None if there were enough of them."""
        if event.get("type") != "check_in" and not self._allowance.allows(_key(event)):
            return None
        return cast("Event", self._redactor.clean_deep(event))


def _options(release: str, environment: str, region: str, gate: EventFilter) -> dict[str, Any]:
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

    from probe.diagnostics.sentry_transport import NoRedirectTransport

    # send_default_pii is off by default, and naming it is deprecated.
    return {
        "release": release,
        "environment": environment,
        "server_name": region,
        # The default ones send argv and the list of modules, and patch http.client.
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "integrations": [ExcepthookIntegration(), AtexitIntegration(callback=_nothing)],
        "event_scrubber": EventScrubber([*DEFAULT_DENYLIST, *_DENIED], recursive=True),
        # The SDK's own follows redirects, and sends the key along.
        "transport": NoRedirectTransport,
        "before_send": gate.filter,
        "before_send_transaction": _nothing,
        "before_send_log": _nothing,
        "before_send_metric": _nothing,
        "before_breadcrumb": _nothing,
        "max_breadcrumbs": 1,
        "include_local_variables": False,
        "max_request_body_size": "never",
        "trace_propagation_targets": [],
        "auto_session_tracking": False,
        "send_client_reports": False,
        "enable_backpressure_handling": False,
        "spotlight": False,
        "debug": False,
        "in_app_include": list(OURS),
        "shutdown_timeout": _CLOSE_SECONDS,
    }


def _nothing(*_: object) -> None:
    """Drops what it is asked about."""


def _listen() -> None:
    from sentry_sdk.integrations.logging import EventHandler

    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for old in [each for each in logger.handlers if isinstance(each, EventHandler)]:
            logger.removeHandler(old)
        handler = EventHandler(level=logging.ERROR)
        handler.addFilter(is_own_error)
        logger.addHandler(handler)


def is_own_error(record: logging.LogRecord) -> bool:
    """Whether a record is an error of the probe.

    Failures of targets are not: a ``CheckAborted``, or a record with the field ``target``. Of
    errors that asyncio reports, only those count that came through our code.
    """
    error = record.exc_info[1] if record.exc_info else None
    leaves = list(_leaves(error)) if error is not None else []
    if leaves and all(isinstance(leaf, CheckAborted) for leaf in leaves):
        return False
    if record.name.partition(".")[0] == "asyncio":
        return any(_is_through_our_code(leaf.__traceback__) for leaf in leaves)
    return "target" not in (getattr(record, "fields", None) or ())


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _is_through_our_code(trace: TracebackType | None) -> bool:
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            return True
        trace = trace.tb_next
    return False


def _key(event: "Event") -> Hashable:
    """What makes two events the same: type and place of the exception, else the logger and
    the message but for its numbers. One exception that several loggers report is one event."""
    values = event.get("exception", {}).get("values") or []
    if values:
        frames = (values[-1].get("stacktrace") or {}).get("frames") or [{}]
        return values[-1].get("type"), frames[-1].get("filename"), frames[-1].get("lineno")
    entry: Any = event.get("logentry") or {}
    return event.get("logger"), _NUMBER.sub("0", str(entry.get("formatted")))


def is_on() -> bool:
    """Whether errors are reported and check-ins sent."""
    sdk = sys.modules.get("sentry_sdk")
    return sdk is not None and bool(sdk.is_initialized())


def _flush(seconds: float) -> None:
    import sentry_sdk

    client = sentry_sdk.get_client()
    started = time.monotonic()
    client.flush(timeout=seconds)
    if time.monotonic() - started >= seconds:
        # The end of the process would wait for it once more.
        client.close(timeout=0)
