"""While history can't be written, incidents are shown from memory: a link in a message finds its
page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from probe.history import History
from probe.history.incidents.model import NotificationStatus
from probe.history.incidents.store import IncidentHistory
from tests.history.history_builders import opened
from tests.history.incidents.samples import DEPLOY, NOTE, TAKEN, incident, notification
from tests.history.period_builders import NOON
from tests.history.test_unwritable import fill, small_disk

pytestmark = pytest.mark.usefixtures("leaks")

OLD, NEW = incident(), incident("20270116-090000-ffffff", since=NOON + 900, opened=NOON + 930)


@asynccontextmanager
async def on_a_full_disk(folder: Path) -> AsyncIterator[tuple[History, IncidentHistory]]:
    """A disk that is full, with one incident that was stored before."""
    with small_disk(folder / "disk", "size=4m") as disk:
        async with opened(disk) as history:
            store = IncidentHistory(history)
            store.keep(OLD)
            assert await store.put_note(OLD.id, NOTE)
            filler = fill(disk)
            yield history, store
            filler.unlink()
            await history.flush()
            assert not history.waiting_changes


async def test_an_incident_that_begins_while_the_disk_is_full_is_found(tmp_path: Path) -> None:
    async with on_a_full_disk(tmp_path) as (history, store):
        store.keep(NEW)
        store.keep_notification(NEW.id, notification())
        assert not await store.put_annotation(DEPLOY)
        assert history.waiting_changes
        found = replace(NEW, notifications=(notification(),), annotations=(DEPLOY,))
        assert await store.get(NEW.id) == found
        assert [each.id for each in await store.list(NOON, NOON + 3600)] == [NEW.id, OLD.id]
        assert [each.id for each in await store.list(NOON, NOON + 3600, most=1, skip=1)] == [OLD.id]
        assert [each.id for each in await store.of_check("health")] == [NEW.id, OLD.id]
        assert await store.get("20270116-090000-000000") is None
    assert history.revision > 3


async def test_what_was_stored_changes_in_memory(tmp_path: Path) -> None:
    async with on_a_full_disk(tmp_path) as (_, store):
        ended = replace(OLD, ended=NOON + 600)
        store.keep(ended)
        store.keep_notification(OLD.id, notification(status=NotificationStatus.REFUSED))
        assert not await store.acknowledge(OLD.id, TAKEN)
        found = await store.get(OLD.id)
        assert found is not None
        assert (found.ended, found.notes, found.acknowledgements) == (NOON + 600, (NOTE,), (TAKEN,))
        assert [each.status for each in found.notifications] == [NotificationStatus.REFUSED]
        assert not await store.list(NOON, NOON + 3600, lasts=True)


async def test_an_incident_that_gets_another_id_is_found_by_both(tmp_path: Path) -> None:
    async with on_a_full_disk(tmp_path) as (_, store):
        older = replace(OLD, id="20270115-080000-000000", aliases=(OLD.id,))
        store.rename(OLD.id, older)
        for name in (OLD.id, older.id):
            found = await store.get(name)
            assert found is not None
            assert (found.id, found.notes) == (older.id, (NOTE,))
