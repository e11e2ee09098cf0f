"""The device ids of the journey's two users.

The application keeps a row for each device that ever came, so the two should be the same each
time; but devices that were matched are not matched again for an hour. Whether an earlier
process was matched within the last hour is not known, so the fixed pair is used once this
process has been running for as long, and new ids before.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from probe.core.context import Context

# How long the application keeps two devices apart, and what clocks may differ by.
APART_SECONDS = 3600.0 + 300.0


@dataclass
class DeviceIds:
    """Pairs of device ids. ``clock`` is monotonic; ``installation`` distinguishes probes."""

    installation: str
    clock: Callable[[], float]
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def pair(self) -> tuple[str, str]:
        """Two device ids that the application may match with each other now."""
        now = self.clock()
        if now - self.began < APART_SECONDS:
            return _device(secrets.token_hex(8)), _device(secrets.token_hex(8))
        self.began = now
        names = (f"{self.installation} {number}" for number in (1, 2))
        first, second = (hashlib.sha256(name.encode()).hexdigest()[:16] for name in names)
        return _device(first), _device(second)


def device_ids(context: Context, url: str, region: str) -> DeviceIds:
    """Those of the process's journeys through one backend."""
    key = ("journey-devices", url, region)
    return context.get_or_create(key, lambda: DeviceIds(f"{region} {url}", context.clock))


def _device(name: str) -> str:
    return f"probe-{name}"
