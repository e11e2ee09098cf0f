"""The rows: courses, and how a session of Chromium 156 went in each (``outcomes.json``)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tests.browser import odd_rows
from tests.browser.odd.courses.server import Course

READY = "ready"
OVER = ("polling", "websocket")
_OUTCOMES = Path(__file__).with_name("outcomes.json")
_AWAY, _UPGRADES = "servers that do not answer yet", "courses of the upgrade"
_KEPT = "kept connections of a session"
_POLLS, _SLOW, _ENDS = "polls that end", "slow servers and pings", "sessions that end"
_NO_UPGRADE: dict[str, Any] = {"upgrades": []}
_ALONE = (
    "a page polls while it sends and keeps two connections to ask again on; "
    "a check sends first, and keeps one"
)
_LOST = "a session that is lost is a failure, though a page has another one a second later"
WHY = {
    **{
        f"the first session ends by {by} at {stage}, {over} first": _LOST
        for by in ("packet", "close")
        for stage in ("opened", "connect", "ready")
        for over in OVER
        if (by, over) != ("packet", "websocket")
    },
    "the WebSocket dies at 5": _LOST,
    **{f"polls end by {by}, no upgrade": _ALONE for by in ("408", "close")},
    **{
        f"the first POST ends by {by}{words}": _LOST
        for by in ("400", "429", "502")
        for words in ("", ", no upgrade")
    },
}


class CourseRow(Struct, frozen=True):
    """One course; ``over`` is the transport that a session begins with."""

    group: str
    name: str
    course: Course
    over: str = "polling"
    chromium: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether a page in Chromium has a session within the check's deadline."""
        return self.chromium == READY

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


def course_rows() -> Sequence[CourseRow]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes()
    return [replace(row, chromium=kept[row.name]) for row in unasked_rows()]


def kept_outcomes() -> dict[str, str]:
    """By the rows' names."""
    return odd_rows.kept_outcomes(_OUTCOMES)


def write_outcomes(found: Mapping[str, str]) -> None:
    """Keep what Chromium makes of them."""
    odd_rows.keep_outcomes(_OUTCOMES, found)


def unasked_rows() -> Iterator[CourseRow]:
    """The rows alone."""
    for over in OVER:
        for group, name, course in (*_away(), *_slow(), *_ends()):
            yield CourseRow(group, f"{name}, {over} first", course, over)
    for group, name, course in (*_upgrades(), *_polls(), *_kept()):
        yield CourseRow(group, name, course)


def _away() -> Iterator[tuple[str, str, Course]]:
    yield _AWAY, "as it should be", Course()
    for seconds in (0.3, 0.9, 1.5, 2.6, 60):
        yield _AWAY, f"nothing listens for {seconds:g} s", Course(away=seconds)
    for by in ("502", "503", "504", "500", "521", "close"):
        for count in (1, 2, 10**6):
            times = "each request" if count > 2 else f"the first {count} requests"
            yield _AWAY, f"{times} refused by {by}", Course(refused=count, by=by)


def _slow() -> Iterator[tuple[str, str, Course]]:
    for stage in ("opening", "connect", "ready"):
        for seconds in (0.5, 2.0, 4.0):
            course = Course(delays={stage: seconds})
            yield _SLOW, f"{stage} after {seconds:g} s", course
    quick = {"pingInterval": 300, "pingTimeout": 300}
    for pause, words in ((0.3, "pings in time"), (None, "no ping"), (0.5, "pings late")):
        course = Course(opening=quick, delays={"ready": 1.5}, pings=pause)
        yield _SLOW, f"600 ms without a ping are too many, {words}", course
    course = Course(delays={"ready": 1.5}, pings=0.2)
    yield _SLOW, "pings that have to be answered", course


def _ends() -> Iterator[tuple[str, str, Course]]:
    for stage in ("opened", "connect", "ready"):
        for by in ("packet", "close"):
            for count in (1, 10**6):
                whose = "each session" if count > 1 else "the first session"
                course = Course(ended=count, ends_at=stage, ends_by=by)
                yield _ENDS, f"{whose} ends by {by} at {stage}", course
    for count in (2, 3):
        yield _ENDS, f"{count} backends without sticky sessions", Course(backends=count)


def _upgrades() -> Iterator[tuple[str, str, Course]]:
    for moment in ("2probe", "3probe", "5"):
        for ready in (0.0, 1.0):
            words = f", ready after {ready:g} s" if ready else ""
            course = Course(dies_at=moment, delays={"ready": ready})
            yield _UPGRADES, f"the WebSocket dies at {moment}{words}", course
    for seconds in (0.5, 2.0, 4.0):
        course = Course(delays={"probe": seconds})
        yield _UPGRADES, f"the probe is answered after {seconds:g} s", course
        course = Course(delays={"probe": seconds, "ready": 1.0})
        yield _UPGRADES, f"the probe is answered after {seconds:g} s, ready after 1 s", course
    for count in (0, 2, 5):
        for ready in (0.0, 1.0):
            words = f", ready after {ready:g} s" if ready else ""
            course = Course(noops=count, delays={"ready": ready})
            yield _UPGRADES, f"{count} noops end the poll{words}", course


def _polls() -> Iterator[tuple[str, str, Course]]:
    for by in (
        "6",
        "",
        "2",
        "3",
        "1",
        "4",
        "200",
        "204",
        "304",
        "408",
        "429",
        "502",
        "504",
        "close",
    ):
        words = by or "an empty answer"
        for upgrades in (True, False):
            course = Course(
                poll_seconds=0.4,
                cut_by=by,
                delays={"ready": 1.0, "probe": 0.7},
                opening={} if upgrades else _NO_UPGRADE,
            )
            yield _POLLS, f"polls end by {words}{'' if upgrades else ', no upgrade'}", course


def _kept() -> Iterator[tuple[str, str, Course]]:
    for upgrades in (True, False):
        opening, words = ({}, "") if upgrades else (_NO_UPGRADE, ", no upgrade")
        for seconds in (0.0, 0.05, 0.3):
            slow = Course(kept=seconds, opening=opening, delays={"connect": 0.5, "ready": 1.0})
            yield _KEPT, f"connections end when idle for {seconds:g} s{words}", slow
        for by in ("408", "close", "502", "400", "429"):
            for count in (1, 10**6):
                which = "the first POST" if count == 1 else "each POST"
                course = Course(posts=count, by=by, opening=opening)
                yield _KEPT, f"{which} ends by {by}{words}", course
        course = Course(poll_seconds=0.2, cut_by="close", kept=0.05, opening=opening)
        yield _KEPT, f"polls end without an answer, connections when idle{words}", course
