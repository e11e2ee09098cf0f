"""Incidents are kept with all that belongs to them, over restarts, within bounds."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from probe.history import History
from probe.history.incidents import queries
from probe.history.incidents.model import Annotation, Announcement, NotificationStatus
from probe.history.incidents.store import IncidentHistory
from tests.clocks import Clock
from tests.history.history_builders import FILE, keep, opened
from tests.history.incidents.samples import DAY, DEPLOY, NOTE, TAKEN, incident, notification
from tests.history.period_builders import NOON, entry

pytestmark = pytest.mark.usefixtures("leaks")


async def filled(history: History) -> IncidentHistory:
    """One incident with everything."""
    store = IncidentHistory(history)
    store.keep(incident())
    store.keep_notification(incident().id, notification())
    assert await store.put_annotation(DEPLOY)
    assert await store.put_note(incident().id, NOTE)
    assert await store.acknowledge(incident().id, TAKEN)
    return store


async def test_an_incident_survives_a_restart_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await filled(history)
    async with opened(tmp_path) as history:
        store = IncidentHistory(history)
        [found] = await store.open()
        assert found == replace(
            incident(),
            notifications=(notification(),),
            acknowledgements=(TAKEN,),
            notes=(NOTE,),
            annotations=(DEPLOY,),
        )
        assert await store.get(found.id) == found
        assert await store.newest_by_key(NOON) == {"paircam.live": found.id}


async def test_a_later_state_takes_the_place_of_an_earlier_one() -> None:
    async with opened(None) as history:
        store = await filled(history)
        store.keep_notification(
            incident().id, notification(status=NotificationStatus.REFUSED, error="no")
        )
        store.keep(incident(ended=NOON + 600))
        await history.flush()
        found = await store.get(incident().id)
        assert found is not None
        assert (found.ended, found.notes) == (NOON + 600, (NOTE,))
        assert [each.status for each in found.notifications] == [NotificationStatus.REFUSED]
        assert await store.open() == []


async def test_incidents_of_a_time_are_listed_newest_first_in_pages() -> None:
    async with opened(None) as history:
        store = IncidentHistory(history)
        for number in range(10):
            since = NOON + number * DAY
            store.keep(
                incident(f"i{number}", since=since, ended=since + 60 if number < 9 else None)
            )
        await history.flush()
        everything = [each.id for each in await store.list(0.0, NOON * 2)]
        assert everything == [f"i{number}" for number in reversed(range(10))]
        page = await store.list(NOON + 2 * DAY, NOON + 6 * DAY, most=2, skip=1)
        assert [each.id for each in page] == ["i4", "i3"]
        assert await store.count(NOON + 2 * DAY, NOON + 6 * DAY) == 4
        assert [each.id for each in await store.list(0.0, NOON * 2, lasts=True)] == ["i9"]
        assert await store.count(0.0, NOON * 2, lasts=False) == 9
        of_check = await store.of_check("journey", most=3)
        assert [each.id for each in of_check] == ["i9", "i8", "i7"]
        assert await store.of_check("nothing") == []


async def test_what_is_older_than_400_days_goes_and_what_lasts_stays() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        store = IncidentHistory(history)
        store.keep(incident("over", ended=NOON + 60))
        store.keep_notification("over", notification())
        store.keep(incident("lasts", key="other"))
        assert await store.put_annotation(DEPLOY)
        clock.pass_(401 * DAY)
        await keep(history, [entry(clock())])
        assert [each.id for each in await store.list(0.0, NOON * 2)] == ["lasts"]
        assert await store.annotations(0.0, NOON * 2) == []
        left = "SELECT count(*) FROM notifications"
        assert await history.query(lambda db: db.execute(left).fetchone()[0], -1) == 0


async def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_INCIDENTS", 5)
    monkeypatch.setattr(queries, "MAX_ANNOTATIONS", 3)
    monkeypatch.setattr(queries, "MAX_NOTES", 2)
    async with opened(None) as history:
        store = IncidentHistory(history)
        for number in range(9):
            store.keep(incident(f"i{number}", since=NOON + number, ended=NOON + number + 1))
            assert await store.put_annotation(Annotation(f"a{number}", NOON + number, "x"))
            assert await store.put_note("i8", replace(NOTE, id=f"n{number}", at=NOON + number))
        await keep(history, [entry(NOON)])
        assert [each.id for each in await store.list(0.0, NOON * 2)] == [
            "i8", "i7", "i6", "i5", "i4"
        ]  # fmt: skip
        assert [each.id for each in await store.annotations(0.0, NOON * 2)] == ["a8", "a7", "a6"]
        found = await store.get("i8")
        assert found is not None
        assert [each.id for each in found.notes] == ["n7", "n8"]


async def test_a_document_that_makes_no_sense_hides_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        store = IncidentHistory(history)
        store.keep(incident("good", since=NOON + 1))
        store.keep(incident("bad"))
        assert await store.put_annotation(DEPLOY)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE incidents SET document = '{}' WHERE id = 'bad'")
        db.execute("UPDATE annotations SET document = 'x'")
    db.close()
    async with opened(tmp_path) as history:
        store = IncidentHistory(history)
        assert [each.id for each in await store.list(0.0, NOON * 2)] == ["good"]
        assert await store.get("bad") is None
        assert await store.annotations(0.0, NOON * 2) == []
        assert not history.state.problem


async def test_incidents_are_salvaged_from_a_damaged_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await filled(history)
        await keep(history, [entry(NOON + number) for number in range(50)])
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DROP INDEX entries_by_standing")
    db.close()
    async with opened(tmp_path) as history:
        found = await IncidentHistory(history).get(incident().id)
        assert found is not None
        assert (found.notes, found.notifications) == ((NOTE,), (notification(),))
        assert "set aside" in history.state.problem


async def test_what_can_not_be_written_waits_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        store = IncidentHistory(history)
        with sqlite3.connect(tmp_path / FILE, isolation_level=None, timeout=0) as other:
            other.execute("BEGIN IMMEDIATE")
            assert not await store.put_annotation(DEPLOY)
            assert history.state.problem
            other.execute("COMMIT")
        other.close()
        await history.flush()
        assert await store.annotations(0.0, NOON * 2) == [DEPLOY]
        assert not history.state.problem


async def test_announcements_are_there_until_they_are_over() -> None:
    async with opened(None) as history:
        store = IncidentHistory(history)
        made = Announcement("a", "maintenance", "Move", "", NOON, NOON + 60)
        forever = Announcement("b", "announcement", "Hello", "", NOON + 1)
        assert await store.put_announcement(made)
        assert await store.put_announcement(forever)
        assert await store.announcements(NOON + 59) == [forever, made]
        assert await store.announcements(NOON + 60) == [forever]
        assert await store.delete_announcement("b")
        assert await store.announcements(NOON + 60) == []
