"""What the pages of checks and incidents are made of, from history, alerting and the plan."""

from collections.abc import Awaitable, Callable, Sequence

from alerts.incident_history.records import alert_of
from probe.daemon.parts import DaemonState, Parts
from probe.daemon.serving.board_source import uptime_report
from probe.history.incidents.model import Incident, IncidentAlert
from probe.history.incidents.store import IncidentHistory
from probe.history.uptime.model import Subject, SubjectKind
from probe.report.board import CheckDetails, StatusBoard
from probe.web.site.web_site import SiteData

# Stretches of a chart: a quarter of an hour of a day.
BUCKETS = 96
MAX_RUNS = 20


class SiteSource:
    """``board`` is the status board; ``runbook`` and ``runbooks`` are those of ``PageData``."""

    def __init__(
        self,
        parts: Parts,
        state: DaemonState,
        board: Callable[[], Awaitable[StatusBoard]],
        revision: Callable[[], int],
        runbook: Callable[[str], tuple[str, str] | None],
        runbooks: Callable[[], list[tuple[str, str]]],
    ) -> None:
        self._parts, self._state = parts, state
        self._board, self._revision = board, revision
        self._runbook, self._runbooks = runbook, runbooks

    def data(self) -> SiteData:
        """The functions that the pages call."""
        return SiteData(
            board=self._board,
            revision=self._revision,
            runbook=self._runbook,
            runbooks=self._runbooks,
            details=self._details,
            incident=self._incident,
            runs=self._parts.runs.of,
            steps=self._steps,
        )

    async def _details(self, board: StatusBoard, name: str, seconds: float) -> CheckDetails | None:
        history, check = self._state.history, self._state.checks.get(name)
        row = next((each for each in board.overview.rows if each.name == name), None)
        if history is None or check is None or row is None:
            return None
        now = board.overview.now
        subject = Subject(SubjectKind.CHECK, name)
        found = {(SubjectKind.CHECK, name): board.uptime[name].windows}
        days = await history.uptime_days((subject,), now)
        return CheckDetails(
            row,
            uptime_report(subject, check.kind.availability, found, now, days),
            await history.series(name, now - seconds, now, BUCKETS),
            tuple(await history.last_runs(name, MAX_RUNS)),
            tuple(await IncidentHistory(history).of_check(name)),
        )

    async def _incident(self, name: str) -> Incident | None:
        history = self._state.history
        return await IncidentHistory(history).get(name) if history is not None else None

    def _steps(self, alert: IncidentAlert) -> Sequence[str]:
        """The first steps for an alert, as its notification has them."""
        library = self._parts.alerts.pipeline.config.runbooks
        return library.steps(alert_of(alert))
