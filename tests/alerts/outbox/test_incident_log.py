"""What the journal alone knows of an incident after several messages of it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.model import MessageType
from alerts.outbox.incident_log import IncidentLog
from alerts.outbox.stored_times import EarlierClocks, StoredClock
from probe.storage.thread import StorageThread
from tests.alerts.words import a_delivery
from tests.clocks import Clock

CLOCK = StoredClock(Clock(1000.0), Clock(1000.0))


async def opened(folder: Path) -> IncidentLog:
    """The journal as a process finds it."""
    log = IncidentLog([folder], StorageThread, CLOCK)
    await log.read()
    log.open(EarlierClocks([], CLOCK()))
    await log.start()
    return log


@pytest.mark.parametrize("occasion", [MessageType.CHANGED, MessageType.REMINDER])
async def test_an_incident_stays_open_when_a_later_message_of_it_is_refused(
    tmp_path: Path, occasion: MessageType
) -> None:
    log = await opened(tmp_path)
    first, later = a_delivery(MessageType.FIRING, at=1), a_delivery(occasion, at=2)
    await log.begun(first)
    await log.taken(first, {"ts": "1"})
    await log.begun(later)
    await log.refused(later)
    await log.close()
    again = await opened(tmp_path)
    (incident,) = again.open_incidents
    assert (incident.key, dict(incident.memory)) == (first.message.key, {"ts": "1"})
    await again.close()


async def test_an_incident_with_a_refused_first_message_is_not_open(tmp_path: Path) -> None:
    log = await opened(tmp_path)
    first = a_delivery(MessageType.FIRING, at=1)
    await log.begun(first)
    await log.refused(first)
    assert log.open_incidents == []
    await log.close()


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_refused_end_leaves_open_what_a_receiver_may_have(
    tmp_path: Path, attempts: int
) -> None:
    """The process was killed before it heard that the first message was taken."""
    log = await opened(tmp_path)
    first, end = a_delivery(MessageType.FIRING, at=1), a_delivery(MessageType.RESOLVED, at=2)
    await log.begun(first)
    await log.begun(end)
    await log.refused(replace(end, attempts=attempts))
    assert [each.key for each in log.open_incidents] == [first.message.key]
    await log.close()


async def test_a_first_message_that_was_sent_before_may_be_open_though_it_is_refused(
    tmp_path: Path,
) -> None:
    log = await opened(tmp_path)
    first = a_delivery(MessageType.FIRING, at=1)
    await log.begun(first)
    await log.refused(replace(first, attempts=2))
    assert [each.key for each in log.open_incidents] == [first.message.key]
    await log.close()
