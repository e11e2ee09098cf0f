"""Events on the timeline: deployments and other annotations of the history."""

from probe.history.reading import HistoryFile, NoHistory
from probe.report.gate.model import MarkerRow


def markers_of(history: HistoryFile | None, start: float, end: float) -> list[MarkerRow]:
    """Those of a window, oldest first; none where the history can't be read."""
    if history is None:
        return []
    try:
        return [MarkerRow(each.at, each.text) for each in history.annotations(start, end)]
    except NoHistory:
        return []
