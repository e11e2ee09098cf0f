"""One odd path: a relay that alters what it relays (``rules``), a port that loses datagrams or is
closed (``port``), or a connection that ends at one moment in one way (``ends``).
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from tests.browser.odd.paths.reasons import WHY
from tests.turn.odd.server import CONNECTED, ENDS, NO_DTLS, NO_ICE, NO_RELAY
from tests.turn.path.rules import Rule

OPENED, NO_CHANNEL = "opened", "the data channel does not open"
PHASES = {
    NO_ICE: "ice",
    NO_DTLS: "dtls",
    NO_CHANNEL: "data_channel",
    ENDS: "echo",
    "connected, and no echo comes back": "echo",
}


class PathRow(Struct, frozen=True):
    """One odd path. With ``opens`` it counts whether a call opens, not whether echoes return."""

    group: str
    name: str
    way: str = "udp"
    rules: Sequence[Rule] = ()
    port: dict[str, Any] = field(default_factory=dict)
    ends: tuple[str, str] | None = None
    seconds: float = 0.4
    opens: bool = False
    chromium: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether Chromium's users have a call."""
        return self.chromium in (CONNECTED, OPENED)

    @property
    def phase(self) -> str:
        """In which a call of Chromium's fails; empty where none does."""
        if self.chromium.startswith(NO_RELAY):
            return "gathering"
        return PHASES.get(self.chromium, "")

    @property
    def has_same_phase(self) -> bool:
        """Whether both fail in the same phase: not where that hangs on how many datagrams each
        sends, nor where a connection ends with the answer that begins the next phase."""
        moment = self.ends[0] if self.ends else self.port.get("moment", "")
        is_altered = any(rule.does in ("flip", "cut", "grow") for rule in self.rules)
        return not is_altered and not moment.startswith(("relayed", "Channel", "Allocate answered"))

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")
