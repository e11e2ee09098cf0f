"""What a call's table says."""

from typing import Literal, Self

from pydantic import Field, model_validator

from probe.core.field_types import Seconds
from probe.turn_targets.table import TurnServerConfig
from probe.turn_targets.traffic_budget import CALL_ECHOES, echo_seconds

# Seconds that late audio packets are waited for.
_MEDIA_GRACE = 2.0


class CallTable(TurnServerConfig):
    """One call: direct, or through one server, or through what the backend issues."""

    path: Literal["direct", "relayed"] = "relayed"
    """`direct` between two host candidates, or `relayed` through the server. Example: `direct`"""
    echoes: int = Field(default=CALL_ECHOES, ge=1, le=1000)
    """Echo messages over the data channel per run. Example: `10`"""
    media: bool = False
    """Whether audio is sent as well: RTP as of Opus, 50 packets a second each way, which costs 270
    kB in 10 s. Example: `true`"""
    media_seconds: Seconds = Field(default=10.0, ge=1, le=60)
    """How long audio is sent. Example: `10`"""
    deadline: Seconds = Field(default=30.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `30`"""

    @model_validator(mode="after")
    def _has_time_for_media(self) -> Self:
        # Of an issued list several URLs may be tried, each in its share of the deadline.
        needed = 3 * (self.media_seconds + 5) if self.issued else self.media_seconds + 10
        if self.media and self.deadline < needed:
            raise ValueError(f"media = true needs a deadline of at least {needed:g} (seconds)")
        return self

    @property
    def needed_seconds(self) -> float:
        """Echoes, and audio."""
        media = self.media_seconds + _MEDIA_GRACE if self.media else 0.0
        return echo_seconds(self.echoes) + media

    @property
    def calling_seconds(self) -> float:
        """What of the deadline is left to set up a call."""
        return self.calling_seconds_of(self.deadline)

    def calling_seconds_of(self, seconds: float) -> float:
        """What of so many seconds is left to set up a call: half of them at least."""
        media = self.media_seconds + _MEDIA_GRACE if self.media else 0.0
        return max(seconds - media, seconds / 2)

    @property
    def needs_server(self) -> bool:
        """A direct call has no server."""
        return self.path == "relayed"

    @property
    def target(self) -> str:
        """The relay's address, or that there is none."""
        return super().target if self.needs_server else "this host"

    @property
    def labels(self) -> dict[str, str]:
        """``provider``, ``transport`` and ``path``."""
        server = super().labels if self.needs_server else {"provider": "none", "transport": "udp"}
        return {**server, "path": self.path}

    @property
    def redundancy_group(self) -> str | None:
        """A direct call proves nothing about a relay; issued servers are their own group."""
        if not self.needs_server:
            return None
        return "call-issued" if self.issued else "call"

    @property
    def backup_groups(self) -> frozenset[str]:
        """Issued servers that work carry users while a configured one fails, not the other
        way round."""
        if not self.needs_server:
            return frozenset()
        return frozenset({"call-issued"} if self.issued else {"call", "call-issued"})
