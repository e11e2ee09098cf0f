"""What becomes of the messages of an incident, from the outbox."""

from alerts.incident_history.recorder import IncidentRecorder
from alerts.outbox.outbox import Outbox


async def follow(recorder: IncidentRecorder, outbox: Outbox, now: float) -> None:
    """Record attempts that failed, and messages that wait no more; ``now`` is in seconds since
    1970."""
    waiting = outbox.waiting_now()
    refused = await outbox.refused() if recorder.has_lost(waiting) else []
    recorder.follow(waiting, refused, now)
