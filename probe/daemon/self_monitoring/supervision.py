"""Supervises long-lived tasks: one that fails is restarted, and ends no other."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from probe.diagnostics.logging_setup import event
from probe.net.tasks import is_cancelled

logger = logging.getLogger(__name__)

Job = Callable[[], Coroutine[Any, Any, None]]

FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 1.0, 60.0
# A task that has run for this long has recovered.
STABLE_SECONDS = 300.0
# So many failures in a row are an alert.
ALERT_FAILURES = 3


class Supervisor:
    """Runs tasks until it is cancelled; ``clock`` is the monotonic clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._in_a_row: dict[str, int] = {}
        self._errors: dict[str, str] = {}

    @property
    def failures(self) -> Mapping[str, int]:
        """How often each task has failed since the start."""
        return dict(self._failures)

    @property
    def failing(self) -> dict[str, str]:
        """Tasks that fail again and again, and the name of their last error."""
        return {
            name: self._errors[name]
            for name, count in self._in_a_row.items()
            if count >= ALERT_FAILURES
        }

    async def run(self, jobs: Mapping[str, Job]) -> None:
        """Run all of them, and restart those that end."""
        for name in jobs:
            self._failures.setdefault(name, 0)
        async with asyncio.TaskGroup() as group:
            for name, job in jobs.items():
                group.create_task(self._keep(name, job), name=name)

    async def _keep(self, name: str, job: Job) -> None:
        while True:
            begun = self._clock()
            try:
                await job()
                return
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                self.failed(name, RuntimeError("it cancelled itself"))
            except Exception as error:
                self.failed(name, error)
            if self._clock() - begun >= STABLE_SECONDS:
                self._in_a_row[name] = 1
            delay = FIRST_DELAY_SECONDS * 2.0 ** min(self._in_a_row[name] - 1, 6)
            await asyncio.sleep(min(delay, MAX_DELAY_SECONDS))
            asyncio.get_running_loop().call_later(
                STABLE_SECONDS, self._recovered, name, self._failures[name]
            )

    def failed(self, name: str, error: BaseException) -> None:
        """A task has failed; the same error is logged once until another comes."""
        kind = type(error).__name__
        self._failures[name] = self._failures.get(name, 0) + 1
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        known, self._errors[name] = self._errors.get(name), kind
        if known == kind and self._in_a_row[name] > 1:
            return
        # The text of a library's exception may contain a secret: only its type and traceback.
        frames = "".join(traceback.format_tb(error.__traceback__))
        event(
            logger,
            logging.ERROR,
            f"task {name} failed and is restarted: {kind}",
            task=name,
            traceback=frames[-4000:],
        )

    def _recovered(self, name: str, failures: int) -> None:
        if self._failures[name] == failures:
            self._in_a_row[name] = 0
