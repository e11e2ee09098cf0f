"""What the daemon gives the API: the board, checks, incidents, silences, annotations."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from alerts.manager import AlertManager
from alerts.model import Silence
from alerts.silence.api_v2 import new_name
from alerts.silence.matcher import about, check_matchers, matched_checks, matches
from probe.core.kind import Check
from probe.daemon.parts import DaemonState
from probe.daemon.serving.board_source import uptime_report
from probe.history import History
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
)
from probe.history.incidents.store import IncidentHistory
from probe.history.uptime.model import DAY_SECONDS, Subject, SubjectKind
from probe.report.board import CheckDetails, SilenceRow, StatusBoard
from probe.web.api.source import AddedSilence, Unacceptable

SERIES_BUCKETS, LAST_RUNS = 96, 50


class DaemonApi(Struct, frozen=True):
    """``board`` gives the present state; ``wall`` the wall clock in seconds since 1970;
    ``annotated`` is called when there is a new annotation."""

    alerts: AlertManager
    state: DaemonState
    make_board: Callable[[], Awaitable[StatusBoard]]
    wall: Callable[[], float]
    annotated: Callable[[], None]

    def now(self) -> float:
        """See ApiSource."""
        return self.wall()

    def problem(self) -> str:
        """See ApiSource."""
        return self._history.state.problem

    async def board(self) -> StatusBoard:
        """See ApiSource."""
        return await self.make_board()

    async def check(self, name: str) -> CheckDetails | None:
        """See ApiSource."""
        board, history, now = await self.board(), self._history, self.now()
        row = next((each for each in board.overview.rows if each.name == name), None)
        check = next((each for each in self.state.plan.checks if each.name == name), None)
        if row is None or check is None:
            return None
        subject = Subject(SubjectKind.CHECK, name)
        days = await history.uptime_days([subject], now)
        found = {(SubjectKind.CHECK, name): board.uptime[name].windows}
        return CheckDetails(
            row=row,
            uptime=uptime_report(subject, check.kind.availability, found, now, days),
            series=await history.series(name, now - DAY_SECONDS, now, SERIES_BUCKETS),
            runs=tuple(await history.last_runs(name, LAST_RUNS)),
            incidents=tuple(await self._incidents.of_check(name)),
        )

    async def incidents(
        self, start: float, end: float, most: int, skip: int, *, lasts: bool | None
    ) -> tuple[Sequence[Incident], int]:
        """See ApiSource."""
        found = await self._incidents.list(start, end, most=most, skip=skip, lasts=lasts)
        return found, await self._incidents.count(start, end, lasts=lasts)

    async def incident(self, name: str) -> Incident | None:
        """See ApiSource."""
        return await self._incidents.get(name)

    async def acknowledge(self, incident: str, found: Acknowledgement) -> bool:
        """See ApiSource."""
        return await self._incidents.acknowledge(incident, found)

    async def put_note(self, incident: str, note: Note) -> bool:
        """See ApiSource."""
        return await self._incidents.put_note(incident, note)

    async def delete_note(self, incident: str, note: str) -> bool:
        """See ApiSource."""
        return await self._incidents.delete_note(incident, note)

    async def annotations(
        self, start: float, end: float, most: int, skip: int
    ) -> tuple[Sequence[Annotation], int]:
        """See ApiSource."""
        found = await self._incidents.annotations(start, end, most=most, skip=skip)
        return found, await self._incidents.count_annotations(start, end)

    async def put_annotation(self, annotation: Annotation) -> bool:
        """See ApiSource."""
        stored = await self._incidents.put_annotation(annotation)
        self.annotated()
        return stored

    async def announcements(self) -> Sequence[Announcement]:
        """See ApiSource."""
        return (await self.board()).announcements

    async def put_announcement(self, announcement: Announcement) -> bool:
        """See ApiSource."""
        stored = await self._incidents.put_announcement(announcement)
        self.state.revision += 1
        return stored

    async def delete_announcement(self, name: str) -> bool:
        """See ApiSource."""
        stored = await self._incidents.delete_announcement(name)
        self.state.revision += 1
        return stored

    async def silences(self) -> Sequence[SilenceRow]:
        """See ApiSource."""
        return [_row(each) for each in await self.alerts.read_silences()]

    async def add_silence(self, silence: SilenceRow) -> AddedSilence:
        """See ApiSource."""
        matchers = silence.matchers
        try:
            check_matchers(matchers)
        except ValueError as error:
            raise Unacceptable(str(error)) from None
        checks = matched_checks(matchers, self._checks)
        alerts = [str(each.identity) for each in self.alerts.firing if matches(matchers, each)]
        if not checks and not alerts:
            raise Unacceptable(f"{about(matchers)} matches no check and no alert")
        made = Silence(
            new_name(), matchers, silence.author, silence.comment, silence.start, silence.end
        )
        problem = await self.alerts.add_silence(made)
        return AddedSilence(_row(made), checks, alerts, problem)

    async def expire_silence(self, name: str) -> bool:
        """See ApiSource."""
        return await self.alerts.expire_silence(name)

    @property
    def _history(self) -> History:
        if self.state.history is None:
            raise RuntimeError("the daemon is not running")
        return self.state.history

    @property
    def _incidents(self) -> IncidentHistory:
        return IncidentHistory(self._history)

    @property
    def _checks(self) -> Sequence[Check]:
        return self.state.plan.checks or self.state.settings.plan.checks


def _row(silence: Silence) -> SilenceRow:
    about = (silence.author, silence.reason)
    return SilenceRow(silence.name, silence.matches, *about, silence.start, silence.end)
