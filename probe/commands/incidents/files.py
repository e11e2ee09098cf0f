"""History in PROBE_DATA, from the command line, also while the daemon runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from probe.core.environment import ConfigProblem, ConfigurationError
from probe.history import History
from probe.history.database import FILE_NAME
from probe.history.incidents.store import IncidentHistory


@asynccontextmanager
async def incident_files(folder: Path | None) -> AsyncIterator[IncidentHistory]:
    """Incidents and annotations of a folder. Raises ConfigurationError if it is none of a
    daemon's, or can't be used."""
    if folder is None:
        problem = "is not set, and no daemon answers: set it, or --url"
        raise ConfigurationError([ConfigProblem("PROBE_DATA", problem)])
    if not (folder / FILE_NAME).exists():
        problem = f"no daemon keeps its history in {folder}: is it the daemon's own folder?"
        raise ConfigurationError([ConfigProblem("PROBE_DATA", problem)])
    history = await History.open(folder)
    try:
        state = history.state
        problem = state.problem or ("" if state.persistent else "can't be used")
        if problem:
            raise ConfigurationError([ConfigProblem("PROBE_DATA", problem)])
        yield IncidentHistory(history)
    finally:
        await history.close()
