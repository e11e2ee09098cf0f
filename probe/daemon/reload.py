"""Reloads the configuration when it has changed or on request.

It is parsed first, then swapped: an error is reported and leaves the old one in force.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from msgspec import Struct

from probe.config.discovery.reading import DiscoveredTables
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.model import Verdict
from probe.diagnostics.logging_setup import event
from probe.report.status import Notice
from probe.untrusted.daemon_thread import in_daemon_thread

logger = logging.getLogger(__name__)

# How often the file is polled.
POLL_SECONDS = 2.0
# Polls for which a changed file has to stay the same before it is read.
STABLE_POLLS, STABLE_POLLS_WHEN_SHRUNK = 1, 5
DEADLINE_SECONDS = 10.0

Stamp = tuple[int, int, int] | None


class ReloadResult(Struct, frozen=True):
    """The result of the last reload. ``changed`` is when a configuration was last taken over,
    ``since`` when it was first found wrong; seconds since 1970."""

    ok: bool
    changed: float
    problem: str = ""
    since: float | None = None

    @property
    def notices(self) -> list[Notice]:
        """Notices for the status page."""
        if self.ok:
            return []
        text = f"The previous one stays in force. {self.problem}"
        return [Notice(Verdict.WARNING, "Configuration is invalid", text, self.since)]


class Reloader:
    """Calls ``load`` in a thread, and ``apply`` with its result.

    Whatever ``load`` raises or however long it takes, the old configuration stays in force;
    ``now`` is the wall clock in seconds since 1970; ``first`` are the settings in force.
    """

    def __init__(
        self,
        load: Callable[[], Settings],
        apply: Callable[[Settings], Awaitable[None]],
        path: Path | None,
        *,
        now: Callable[[], float] = time.time,
        poll_seconds: float = POLL_SECONDS,
        first: Settings | None = None,
    ) -> None:
        self._discovered = first.discovered if first is not None else DiscoveredTables()
        self._seen = self._discovered.stamp()
        self._load, self._apply, self._path = load, apply, path
        self._now, self._poll = now, poll_seconds
        self._requested = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._stamp = self._in_force = _stamp(path)
        self._reading: asyncio.Future[Settings] | None = None
        self.outcome = ReloadResult(True, now())
        self.readings = 0

    def request_reload(self) -> None:
        """Read it again now (SIGHUP)."""
        self._requested.set()

    async def run(self) -> None:
        """Reload whenever the file changes or on request, until cancelled.

        A changed file is read once it has stayed the same for a moment, as it may be half-written;
        one that has lost half of its size has to stay the same for longer.
        """
        seen, unchanged_polls = self._stamp, 0
        self._log_problems(self._discovered.problems)
        while True:
            try:
                async with asyncio.timeout(self._poll):
                    await self._requested.wait()
                is_requested = True
            except TimeoutError:
                is_requested = False
            self._requested.clear()
            stamp = _stamp(self._path)
            if stamp == self._stamp and not is_requested:
                seen, unchanged_polls = stamp, 0
                if self._discovered.stamp() != self._seen:
                    await self.reload(logging.DEBUG)
                continue
            unchanged_polls = unchanged_polls + 1 if stamp == seen else 0
            seen = stamp
            if unchanged_polls < self._stable_polls(stamp) and not (
                is_requested and not _shrinks(self._in_force, stamp)
            ):
                continue
            self._stamp, unchanged_polls = stamp, 0
            await self.reload()

    async def reload_now(self) -> str:
        """Read it once on request; what is wrong with it, empty if it is in force."""
        self._stamp = _stamp(self._path)
        await self.reload()
        return "" if self.outcome.ok else self.outcome.problem

    def _stable_polls(self, stamp: Stamp) -> int:
        """For how many polls a changed file has to stay the same."""
        return STABLE_POLLS_WHEN_SHRUNK if _shrinks(self._in_force, stamp) else STABLE_POLLS

    async def reload(self, level: int = logging.INFO) -> None:
        """Read it once, and apply it if it is valid; ``readings`` counts, and ``level`` is that of
        the log line. One reading at a time, however many ask."""
        async with self._one_at_a_time:
            await self._reload(level)

    async def _reload(self, level: int) -> None:
        self.readings += 1
        self._seen = self._discovered.stamp()
        try:
            settings = await self._read()
            await self._apply(settings)
        except ConfigurationError as error:
            self._refuse(error)
        except TimeoutError:
            problem = f"it could not be read within {DEADLINE_SECONDS:g} s"
            self._refuse(ConfigurationError([ConfigProblem(str(self._path), problem)]))
        except Exception as error:  # contents may be anything
            problem = f"it can't be read: {type(error).__name__}"
            self._refuse(ConfigurationError([ConfigProblem(str(self._path), problem)]))
        else:
            self.outcome = ReloadResult(True, self._now())
            self._in_force = self._stamp
            self._found(settings.discovered)
            logger.log(level, "configuration reloaded: %s checks", len(settings.plan.checks))

    def _found(self, discovered: DiscoveredTables) -> None:
        """What service discovery gave; a new problem is logged once."""
        self._log_problems(set(discovered.problems) - set(self._discovered.problems))
        self._seen = (
            discovered.stamp() if self._discovered.patterns != discovered.patterns else self._seen
        )
        self._discovered = discovered

    def _log_problems(self, problems: Iterable[str]) -> None:
        for problem in sorted(problems):
            event(logger, logging.WARNING, "targets can't be read", problem=problem)

    @property
    def notices(self) -> list[Notice]:
        """Notices for the status page."""
        found = self._discovered.problems
        about = [Notice(Verdict.WARNING, "Targets can't be read", text) for text in found]
        return [*self.outcome.notices, *about]

    async def _read(self) -> Settings:
        """In a daemon thread, so that a read that hangs blocks neither the loop nor the shutdown.
        Raises TimeoutError; while one read hangs no other is started."""
        if self._reading is not None and not self._reading.done():
            raise TimeoutError
        self._reading = asyncio.ensure_future(in_daemon_thread(self._load, name="configuration"))
        self._reading.add_done_callback(_retrieve)
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await asyncio.shield(self._reading)

    def _refuse(self, error: ConfigurationError) -> None:
        since = self.outcome.since if not self.outcome.ok else self._now()
        self.outcome = ReloadResult(
            False, self.outcome.changed, "; ".join(map(str, error.problems)), since
        )
        for problem in error.problems:
            event(
                logger,
                logging.WARNING,
                "the configuration is invalid and not taken over",
                place=problem.place,
                problem=problem.problem,
            )


def _stamp(path: Path | None) -> Stamp:
    """What changes with the file; None while there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _shrinks(before: Stamp, after: Stamp) -> bool:
    """Whether a file has lost half of its size, or has gone."""
    return before is not None and (after is None or after[1] * 2 < before[1])


def _retrieve(reading: "asyncio.Future[Settings]") -> None:
    """A result that comes too late is dropped."""
    if not reading.cancelled():
        reading.exception()
