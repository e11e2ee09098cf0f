"""Reads the configuration again when it has changed or somebody asks for it.

Parsed first, then swapped: a mistake leaves the old configuration running, and is told.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from probe.config.settings import Settings
from probe.core.environment import ConfigurationError
from probe.core.model import Verdict
from probe.diagnostics.logging_setup import event
from probe.report.status import Notice

logger = logging.getLogger(__name__)

# How often the file is looked at.
POLL_SECONDS = 2.0

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """How the last reading went. ``changed`` is when a configuration was last taken over,
    ``since`` when it was first found wrong; seconds since 1970."""

    ok: bool
    changed: float
    problem: str = ""
    since: float | None = None

    @property
    def notices(self) -> list[Notice]:
        """What the status page should say of it."""
        if self.ok:
            return []
        text = f"It still runs with the one before. {self.problem}"
        return [Notice(Verdict.WARNING, "The configuration is wrong", text, self.since)]


class Reloader:
    """Calls ``load`` in a thread, and ``apply`` with what it gives.

    ``load`` raises ConfigurationError for a configuration that is wrong; ``now`` is the
    wall clock in seconds since 1970.
    """

    def __init__(
        self,
        load: Callable[[], Settings],
        apply: Callable[[Settings], Awaitable[None]],
        path: Path | None,
        *,
        now: Callable[[], float] = time.time,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._load, self._apply, self._path = load, apply, path
        self._now, self._poll = now, poll_seconds
        self._asked = asyncio.Event()
        self._stamp = _stamp(path)
        self.outcome = ReloadResult(True, now())
        self.readings = 0

    def request_reload(self) -> None:
        """Read it again now (SIGHUP)."""
        self._asked.set()

    async def run(self) -> None:
        """Read again whenever the file changes or somebody asks, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._poll):
                    await self._asked.wait()
            except TimeoutError:
                stamp = _stamp(self._path)
                if stamp == self._stamp:
                    continue
            self._asked.clear()
            self._stamp = _stamp(self._path)
            await self.reload()

    async def reload(self) -> None:
        """Read it once, and take it over if it is right; ``readings`` counts."""
        self.readings += 1
        try:
            settings = await asyncio.to_thread(self._load)
        except ConfigurationError as error:
            self._refuse(error)
            return
        await self._apply(settings)
        self.outcome = ReloadResult(True, self._now())
        logger.info("the configuration is read again: %s checks", len(settings.plan.checks))

    def _refuse(self, error: ConfigurationError) -> None:
        since = self.outcome.since if not self.outcome.ok else self._now()
        self.outcome = ReloadResult(
            False, self.outcome.changed, "; ".join(map(str, error.mistakes)), since
        )
        for mistake in error.mistakes:
            event(
                logger,
                logging.WARNING,
                "the configuration is wrong and not taken over",
                place=mistake.place,
                problem=mistake.problem,
            )


def _stamp(path: Path | None) -> Stamp:
    """What changes with the file; None while there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
