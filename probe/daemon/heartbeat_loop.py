"""Heartbeats of the daemon: to a dead man's switch and as Sentry's cron check-in."""

import asyncio
import logging
from collections.abc import Callable

from msgspec import Struct

from alerts.evaluation.own_network import References
from probe.daemon.readiness import Readiness
from probe.diagnostics import sentry
from probe.diagnostics.heartbeat import Heartbeat
from probe.diagnostics.logging_setup import event

logger = logging.getLogger(__name__)

CHECK_IN = "paircam-probe"
# A heartbeat that is held back is retried after this: its receiver tolerates one missed interval.
AGAIN_SECONDS = 5.0


class HeartbeatLoop(Struct, frozen=True):
    """Beats every ``seconds`` of ``clock``, for as long as every check runs on time, our own
    network works, and ``alerting_problem`` is empty."""

    heartbeat: Heartbeat
    readiness: Readiness
    references: References
    region: str
    clock: Callable[[], float]
    seconds: float
    alerting_problem: Callable[[], str] = lambda: ""

    async def beat(self) -> None:
        """Beat until cancelled."""
        was_overdue: list[str] = []
        was_problem = ""
        while True:
            overdue = self.readiness.overdue(self.clock())
            if overdue and not was_overdue:
                self._report(overdue)
            was_overdue = overdue
            problem = self.alerting_problem()
            if problem and problem != was_problem:
                event(logger, logging.ERROR, f"no heartbeat: {problem}")
            was_problem = problem
            if overdue or problem or self.references.all_fail:
                await asyncio.sleep(min(AGAIN_SECONDS, self.seconds))
                continue
            await self.heartbeat.beat()
            sentry.check_in(f"{CHECK_IN}-{self.region}", ok=True, every_minutes=1)
            await asyncio.sleep(self.seconds)

    def _report(self, overdue: list[str]) -> None:
        """A missing heartbeat is an error only where a receiver is configured."""
        if self.heartbeat.is_configured or sentry.is_on():
            event(logger, logging.ERROR, "checks are overdue: no heartbeat", checks=overdue)
        else:
            event(logger, logging.WARNING, "checks are overdue", checks=overdue)
