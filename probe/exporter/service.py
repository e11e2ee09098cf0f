"""Runs the probes that are asked for: within the allow-list, bounded in number and rate."""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from probe.core.causes import HINTS, Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import DURATION, SUCCESS, CheckAborted, Failure, Result, Sample, Status
from probe.core.resources import Shortages
from probe.core.runner import preload, run_check
from probe.exporter.probe_target import ProbeTarget
from probe.exporter.request import ProbeRequest
from probe.exporter.settings import ExporterConfig
from probe.exporter.targets import Permitted
from probe.net.resolver import filtering
from probe.web.token_bucket import TokenBucket

T = TypeVar("T")

# Shared with the scheduled checks: the machine's state, and the quota of TURN users.
_SHARED: tuple[Hashable, ...] = ("stall-watch", Shortages)
_SHARED_PREFIX = "allocations of"
PROBERS = "probe.exporter.checks"
CLOSED = (
    "No target is allowed: set PROBE_EXPORTER_TARGETS, or targets of [exporter] in probe.toml, to "
    "the hosts and networks that may be probed"
)


class Forbidden(Exception):
    """The target is not on the allow-list; the text says what to do."""


class Busy(Exception):
    """Too many probes: ``status`` is 429 for too many a second, 503 for too many at once."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class RunContext(Context):
    """The context of one run on request: it shares what is the machine's with the scheduled
    checks, and keeps nothing of the target."""

    def __init__(self, parent: Context) -> None:
        super().__init__(clock=parent.clock, now=parent.now, redact=parent.redact)
        self.closing = parent.closing
        self._parent = parent

    def get_or_create(self, key: Hashable, make: Callable[[], T]) -> T:
        """The object of this run, or the one that all share."""
        shared = key in _SHARED or (isinstance(key, tuple) and key[:1] == (_SHARED_PREFIX,))
        return self._parent.get_or_create(key, make) if shared else super().get_or_create(key, make)


@dataclass
class ProbeService:
    """``config`` and ``planned`` give what is in force: the exporter's settings, and the scheduled
    checks."""

    context: Context
    config: Callable[[], ExporterConfig]
    planned: Callable[[], Sequence[Check]]

    def __post_init__(self) -> None:
        self._running = 0
        self._rate = 0.0
        self._bucket: TokenBucket | None = None
        self._probers: ModuleType | None = None

    async def probe(self, request: ProbeRequest) -> Result:
        """Run it. Raises Busy, Forbidden, InvalidTarget, HostnameConflict."""
        config = self.config()
        if not config.allowed.entries:
            raise Forbidden(CLOSED)
        target = ProbeTarget(
            request.target, request.module, request.hostname, self.planned(), config.ca_file
        )
        checks = await self._loaded_probers()
        try:
            check = checks.check_for(target)
        except CheckAborted as error:
            return self._not_started(error)
        host = checks.host_of(check)
        if not config.allowed.may_resolve(host):
            raise Forbidden(_not_allowed(host))
        with self._place(config):
            return await self._run(check, host, request, config)

    async def _loaded_probers(self) -> ModuleType:
        """``probe.exporter.checks``: its libraries are needed by nothing but ``/probe``.

        An import takes up to half a second, in which nothing else could be measured.
        """
        if self._probers is None:
            self._probers = await asyncio.to_thread(import_module, PROBERS)
        return self._probers

    async def _run(
        self, check: Check, host: str, request: ProbeRequest, config: ExporterConfig
    ) -> Result:
        permitted = Permitted(config.allowed)
        await asyncio.to_thread(preload, [check])
        with filtering(permitted):
            context = RunContext(self.context)
            result = await run_check(check, context, deadline=request.deadline)
        forbidden = result.failure is not None and result.failure.cause is Cause.TARGET_FORBIDDEN
        if forbidden and not permitted.any_found:
            raise Forbidden(_not_allowed(host))
        return result

    @contextmanager
    def _place(self, config: ExporterConfig) -> Iterator[None]:
        """One of the places for runs. Raises Busy."""
        if self._bucket is None or self._rate != config.rate:
            self._rate = config.rate
            burst = max(2 * config.rate, 1.0)
            self._bucket = TokenBucket(config.rate, burst, self.context.clock)
        if self._running >= config.concurrency:
            text = f"{config.concurrency} probes run already (concurrency of [exporter])"
            raise Busy(503, text)
        if not self._bucket.spend():
            raise Busy(429, f"More than {config.rate:g} probes a second (rate of [exporter])")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def result_for_invalid(self, problem: str) -> Result:
        """The result for a target that names nothing to connect to."""
        started = datetime.fromtimestamp(self.context.now(), UTC)
        message = f"Target is invalid: {self.context.redact(problem)}"
        failure = Failure("target", Cause.CONNECT_FAILED, message, "correct the target")
        samples = (Sample(SUCCESS, 0.0), Sample(DURATION, 0.0))
        return Result("probe", Status.FAILED, started, 0.0, samples=samples, failure=failure)

    def _not_started(self, error: CheckAborted) -> Result:
        started = datetime.fromtimestamp(self.context.now(), UTC)
        hint = error.hint or HINTS[error.cause]
        failure = Failure("start", error.cause, error.message, hint)
        return Result("probe", Status.UNKNOWN, started, 0.0, failure=failure)


def _not_allowed(host: str) -> str:
    return (
        f"Target {host[:255]} is not allowed: add its host or network to PROBE_EXPORTER_TARGETS, "
        "or to targets of [exporter] in probe.toml; private addresses need a network"
    )
