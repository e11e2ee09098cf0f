"""The metrics of the probe itself, read from a registry that has all of them."""

from prometheus_client import CollectorRegistry

from alerts.cluster.membership.member import PeersReading
from probe.history import HistoryState
from probe.metrics.self_metrics import SelfMetrics
from probe.metrics.self_snapshot import SelfSnapshot
from probe.reference.markdown import code, table

_LIBRARY = ("process_", "python_")


def own_metrics() -> str:
    """A table of them."""
    registry = CollectorRegistry()
    peers, history = (
        PeersReading(0, 0, 0, {}),
        HistoryState(persistent=True, problem="", bytes=0, written=0, lost=0, waiting=0),
    )
    SelfMetrics(
        registry,
        lambda: SelfSnapshot(history=history, peers=peers, heartbeat_at=1.0),
        version="",
        region="",
        links={"status_url": ""},
    )
    rows = []
    for family in registry.collect():
        if family.name.startswith(_LIBRARY) or family.name.endswith("_created"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append((code(name), family.type, family.documentation))
    return table(("metric", "type", "meaning"), sorted(rows))
