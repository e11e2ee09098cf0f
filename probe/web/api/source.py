"""What the API asks the daemon for."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
)
from probe.report.board import CheckDetails, SilenceRow, StatusBoard


class Unacceptable(Exception):
    """The daemon rejects a request; the text says why."""


class AddedSilence(Struct, frozen=True):
    """A silence, and the checks and alerts that it matches now. ``problem`` says why it does not
    outlive the process, empty if it does."""

    silence: SilenceRow
    checks: Sequence[str]
    alerts: Sequence[str]
    problem: str = ""


class ApiSource(Protocol):
    """Times are seconds since 1970. What writes says whether it is stored by now; if not, it is
    kept in memory and stored when the disk lets it."""

    def now(self) -> float:
        """The wall clock."""

    def problem(self) -> str:
        """Why history can't be stored now, for people; empty if it can."""

    async def board(self) -> StatusBoard:
        """The present state."""

    async def check(self, name: str) -> CheckDetails | None:
        """One check; None if there is none of that name."""

    async def incidents(
        self, start: float, end: float, most: int, skip: int, *, lasts: bool | None
    ) -> tuple[Sequence[Incident], int]:
        """Incidents that overlap a time, newest first, and how many there are in all; only those
        that last, or only those that are over, if that is asked for."""

    async def incident(self, name: str) -> Incident | None:
        """One incident by its id."""

    async def acknowledge(self, incident: str, found: Acknowledgement) -> bool:
        """Somebody has taken an incident on."""

    async def put_note(self, incident: str, note: Note) -> bool:
        """Add a note."""

    async def delete_note(self, incident: str, note: str) -> bool:
        """Delete a note."""

    async def annotations(
        self, start: float, end: float, most: int, skip: int
    ) -> tuple[Sequence[Annotation], int]:
        """Annotations of a time, newest first, and how many there are in all."""

    async def put_annotation(self, annotation: Annotation) -> bool:
        """Add an annotation."""

    async def announcements(self) -> Sequence[Announcement]:
        """Announcements and planned maintenance that are not over."""

    async def put_announcement(self, announcement: Announcement) -> bool:
        """Add an announcement."""

    async def delete_announcement(self, name: str) -> bool:
        """Delete an announcement."""

    async def silences(self) -> Sequence[SilenceRow]:
        """Silences that have not ended."""

    async def add_silence(self, silence: SilenceRow) -> AddedSilence:
        """Add a silence; an empty id is replaced. Raises Unacceptable."""

    async def expire_silence(self, name: str) -> bool:
        """End a silence; False if there is none of that name."""
