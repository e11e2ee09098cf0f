"""What an application's ``/health`` says of the process that answers."""

import math
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from probe.paircam.health import identify


class Health(Struct, frozen=True):
    """What ``/health`` says of its process: memory in bytes, uptime in seconds, who it is, its
    version, how many channels of Redis it is subscribed to, and its clock (seconds since 1970)."""

    memory: float | None = None
    uptime: float | None = None
    machine: str | None = None
    region: str = ""
    version: str | None = None
    channels: float | None = None
    clock: float | None = None
    # By how much that clock differs from ours at least, in seconds.
    clock_offset: float | None = None

    def timed(self, requested: float, answered: float) -> "Health":
        """The same with its clock compared to ours: seconds since 1970 at which it was
        requested and had answered. What lies between the two may be as much the network's time."""
        if self.clock is None:
            return self
        return replace(self, clock_offset=max(requested - self.clock, self.clock - answered, 0.0))


def read_health(document: object) -> Health:
    """The values of a ``/health`` document; what is missing or no number is None."""
    if not isinstance(document, dict):
        return Health()
    memory = document.get("memory")
    instance = document.get("instance")
    known = instance if isinstance(instance, dict) else {}
    region, identity = known.get("region"), identify(document)
    return Health(
        _number(memory.get("rss")) if isinstance(memory, dict) else None,
        _number(document.get("uptime")),
        identity.instance,
        region if isinstance(region, str) and region.isalnum() else "",
        identity.version,
        _count(known.get("subscribedChannels")),
        _moment(document.get("timestamp")),
    )


def _count(value: object) -> float | None:
    """A number, or how many a list has."""
    return float(len(value)) if isinstance(value, list) else _number(value)


def _moment(value: object) -> float | None:
    """Seconds since 1970 of an ISO 8601 time with its zone, or of milliseconds since then."""
    if (milliseconds := _number(value)) is not None:
        return milliseconds / 1000
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if found is None or found.tzinfo is None else found.timestamp()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
