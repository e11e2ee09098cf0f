"""What the doctor finds: one item for each system, and the verdict of all."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field


class SystemState(StrEnum):
    """The state of a system. Attention: it works, and something should be seen to."""

    READY = "ready"
    ATTENTION = "attention"
    UNKNOWN = "unknown"
    NOT_READY = "not_ready"


class SystemItem(Struct, frozen=True):
    """One system of the checklist: its state, why, and the remedy."""

    name: str
    state: SystemState
    detail: str
    hint: str = ""


class NotMonitored(Struct, frozen=True):
    """Kinds that have no check or not all, and the reason."""

    kinds: tuple[str, ...]
    reason: str


class MissingVariable(Struct, frozen=True):
    """A variable that is not set: the checks that it would add, together with others that are
    not set either, and what it is for."""

    name: str
    adds: tuple[str, ...]
    text: str
    needs: tuple[str, ...] = ()


class ServerClock(Struct, frozen=True):
    """How far this machine's clock is ahead of a server's, in seconds; ``uncertainty`` to either
    side: HTTP's Date has whole seconds (RFC 9110, 5.6.7)."""

    server: str
    ahead: float
    uncertainty: float


class Examination(Struct, frozen=True):
    """All findings."""

    items: Sequence[SystemItem]
    monitored: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_monitored: Sequence[NotMonitored] = ()
    missing: Sequence[MissingVariable] = ()
    clocks: Sequence[ServerClock] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False

    @property
    def verdict(self) -> SystemState:
        """The worst state; attention is ready."""
        states = {item.state for item in self.items}
        for worst in (SystemState.NOT_READY, SystemState.UNKNOWN):
            if worst in states:
                return worst
        return SystemState.READY
