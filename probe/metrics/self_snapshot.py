"""The state of the daemon's own parts, as its metrics show it."""

from collections.abc import Mapping

from msgspec import Struct

from alerts.cluster.membership.member import PeersReading
from probe.history import HistoryState


class SelfSnapshot(Struct, frozen=True, gc=False):
    """The state of the daemon's parts at one moment.

    ``skipped`` and ``missed`` are runs of each check that were not started: because the one before
    was still running, and because the process was delayed. ``alerts`` are the firing ones, by
    severity; ``peers`` is None where no other probe is queried. Times are seconds since 1970, 0 for
    never.
    """

    checks: int = 0
    skipped: Mapping[str, int] | None = None
    missed: Mapping[str, int] | None = None
    pending_closings: int = 0
    history: HistoryState | None = None
    config_ok: bool = True
    config_changed: float = 0.0
    alerts: Mapping[str, int] | None = None
    messages_waiting: int = 0
    messages_refused: int = 0
    peers: PeersReading | None = None
    heartbeat_at: float = 0.0
    heartbeat_failures: int = 0
    consumer_errors: Mapping[str, int] | None = None
    refused_logins: int = 0
    task_failures: Mapping[str, int] | None = None
    shortages: Mapping[str, int] | None = None
    notifications_failed: Mapping[str, int] | None = None
    foreign_senders: Mapping[str, int] | None = None
    clock_steps: int = 0
    log_lines_dropped: int = 0
