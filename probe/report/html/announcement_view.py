"""Announcements and planned maintenance as the pages show them, in public and for operators."""

from collections.abc import Iterable

from markupsafe import Markup
from msgspec import Struct

from probe.history.incidents.model import Announcement
from probe.report.board import StatusBoard
from probe.report.html.prose import prose


class AnnouncementView(Struct, frozen=True):
    """``state`` says whether a maintenance is planned or in progress; ``window`` is its name in
    the configuration."""

    title: str
    html: Markup
    state: str
    start: float
    end: float | None
    services: str
    window: str


def announcements_of(board: StatusBoard) -> list[AnnouncementView]:
    """Those that are not over."""
    now = board.overview.now
    return list(_views((each for each in board.announcements if not each.is_over(now)), board))


def _views(found: Iterable[Announcement], board: StatusBoard) -> Iterable[AnnouncementView]:
    for each in found:
        titles = [row.title for row in board.services if row.name in each.services]
        state = "in progress" if each.start <= board.overview.now else "planned"
        if each.kind != "maintenance" and state == "in progress":
            state = ""
        yield AnnouncementView(
            each.title,
            prose(each.text),
            state,
            each.start,
            each.end,
            ", ".join(titles),
            each.window,
        )
