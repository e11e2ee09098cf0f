"""Pages learn of an incident once it is stored, and not of what they don't show."""

from probe.history import History
from probe.history.incidents.store import IncidentHistory
from tests.report import board_samples as boards
from tests.report import incident_samples


async def test_a_stored_incident_is_a_change_of_the_pages() -> None:
    history = await History.open(None)
    try:
        incidents, found = IncidentHistory(history), incident_samples.past()[0]
        history.begin()
        await history.flush()
        assert history.revision == 0
        incidents.keep(found)
        await history.flush()
        assert history.revision == 1
        assert await incidents.get(found.id) is not None
        assert await incidents.put_note(found.id, boards.backend_down().open[0].notes[0])
        assert history.revision == 2
    finally:
        await history.close()
