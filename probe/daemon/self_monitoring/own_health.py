"""Problems of the probe itself: as alerts, as notices, and as a reason to send no heartbeat."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from alerts.manager import AlertManager
from alerts.notification.receiver_queue import STUCK_SECONDS, UNDELIVERED_SECONDS
from alerts.own_alerts import OwnProblem
from probe.core.model import Unit, Verdict
from probe.core.resources import Shortages
from probe.daemon.self_monitoring.clock_watch import ClockWatch
from probe.daemon.self_monitoring.starts import Starts
from probe.daemon.self_monitoring.supervision import Supervisor
from probe.report.status import Notice
from probe.report.text.sanitize import clean, cut
from probe.report.text.units import show

POLL_SECONDS = 5.0
# Alerts are brought up to date every ten seconds at least.
SETTLE_SECONDS = 60.0
STORAGE_SECONDS = 60.0
# How long no notifier has delivered anything.
NO_DELIVERY_SECONDS = 300.0
# How long a problem lasts before it is an alert, by rule.
HOLD_SECONDS = {"configuration": 60.0, "storage": 60.0}
MAX_SUMMARY = 300
INVALID_CONFIGURATION = (
    "the configuration can't be loaded, and the previous one stays in force: the log and the status"
    " page say what is wrong with it"
)
# How long something has to be stuck to be worth a restart.
RESTART_SECONDS = 180.0


class OwnHealth(Struct, frozen=True):
    """``clock`` is the monotonic clock."""

    alerts: AlertManager
    supervisor: Supervisor
    starts: Starts
    clock_watch: ClockWatch
    shortages: Shortages
    clock: Callable[[], float]

    async def run(self, is_configured: Callable[[], bool]) -> None:
        """Report problems to alerting, until cancelled; ``is_configured`` says whether the
        configuration could be loaded the last time."""
        lasting: dict[str, float] = {}
        while True:
            found, now = self.problems(is_configured=is_configured()), self.clock()
            lasting = {rule: lasting.get(rule, now) for rule in found}
            holds = {rule: now - lasting[rule] >= HOLD_SECONDS.get(rule, 0.0) for rule in found}
            self.alerts.set_own({rule: each for rule, each in found.items() if holds[rule]})
            await asyncio.sleep(POLL_SECONDS)

    def problems(self, *, is_configured: bool = True) -> Mapping[str, OwnProblem]:
        """Problems that are alerts, by rule; some of them once they last for ``HOLD_SECONDS``."""
        found = {
            f"task-{name}": OwnProblem(f"task {name} of the probe fails again and again: {error}")
            for name, error in self.supervisor.failing.items()
        }
        if restarts := self.starts.problem:
            found["restarting"] = OwnProblem(restarts)
        if not is_configured:
            found["configuration"] = OwnProblem(INVALID_CONFIGURATION)
        if disk := self.alerts.problem:
            text = f"alerts and notifications are kept in memory only: {disk}"
            found["storage"] = OwnProblem(cut(clean(text), MAX_SUMMARY))
        return found

    def alerting_problem(self) -> str:
        """Why the probe could not notify of an outage now; empty if it could."""
        settled, state = self.alerts.flushed_for, self.alerts.state
        if settled > SETTLE_SECONDS:
            return f"alerts have not been evaluated for {show(settled, Unit.SECONDS)}"
        if state is not None and state.stalled_for > STORAGE_SECONDS:
            return f"the disk has not answered for {show(state.stalled_for, Unit.SECONDS)}"
        return self._stuck_queue() or self._no_deliveries()

    def stuck(self) -> str:
        """What only a restart would fix; empty if nothing is stuck."""
        settled = self.alerts.flushed_for
        if settled > RESTART_SECONDS:
            return f"alerts have not been evaluated for {show(settled, Unit.SECONDS)}"
        return ""

    def notices(self) -> list[Notice]:
        """Notices for the status page."""
        return [*self._shortage(), *self._receivers(), *self._stored(), *self.clock_watch.notices]

    def _stuck_queue(self) -> str:
        now, waiting = self.clock(), self.alerts.waiting_by_notifier
        for name, health in self.alerts.delivery.items():
            if waiting.get(name) and now - health.moved > STUCK_SECONDS + NO_DELIVERY_SECONDS:
                return f"notifications to {name} are not being sent"
        return ""

    def _no_deliveries(self) -> str:
        now, waiting = self.clock(), self.alerts.waiting_by_notifier
        states = [
            health.failing_since is not None
            and now - health.failing_since > NO_DELIVERY_SECONDS
            and bool(waiting.get(name) or health.refused)
            for name, health in self.alerts.delivery.items()
        ]
        return "no notifier delivers notifications" if states and all(states) else ""

    def _shortage(self) -> list[Notice]:
        found = self.shortages.recent(self.clock())
        if not found:
            return []
        text = f"Short of {', '.join(found)}. Checks that need it are unknown meanwhile."
        return [Notice(Verdict.WARNING, "This machine is short of resources", text)]

    def _receivers(self) -> list[Notice]:
        found = []
        for name, health in self.alerts.delivery.items():
            failing = health.failing_since
            lasting = self.clock() - failing if failing is not None else 0.0
            if lasting > UNDELIVERED_SECONDS or health.refused:
                accepted = f"It has accepted no notification for {show(lasting, Unit.SECONDS)}"
                text = f"{accepted}: {health.error}"
                found.append(Notice(Verdict.WARNING, f"Not delivered to {name}", text))
        return found

    def _stored(self) -> list[Notice]:
        state, left = self.alerts.state, self.alerts.left_open
        damage = state.notice if state is not None else ""
        about = [("The alert store was damaged", damage), ("Stored alerts are lost", left)]
        return [Notice(Verdict.WARNING, title, text) for title, text in about if text]
