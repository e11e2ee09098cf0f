"""Odd TURN and STUN servers, as data: what they answer, and what Chromium 156 made of it.

``turn.json`` has calls between two pages that have this server alone; ``stun.json`` has the
answers to Binding, with ``candidate`` where a page gathered a server-reflexive one.
"""

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from tests.browser.odd.battery.reasons import WHY
from tests.browser.odd.battery.rows import FOLDER
from tests.turn.bends import Bends
from tests.turn.odd.answers import as_row_says
from tests.turn.odd.server import CONNECTED

CANDIDATE = "candidate"


class RelayRow(Struct, frozen=True):
    """One odd server. ``on`` is what it answers oddly; ``other`` are further deviations."""

    group: str
    name: str
    on: str
    answers: Sequence[Any]
    chromium: str
    way: str = "udp"
    times: int | None = None
    seconds: float = 1.0
    other: dict[str, Any] = field(default_factory=dict)

    def bends(self) -> Bends:
        """A fresh server's deviations."""
        return Bends(outgoing=as_row_says(self.on, self.answers, self.times), **self.other)

    @property
    def is_taken(self) -> bool:
        """Whether Chromium's users have what they want of it."""
        return is_success(self.chromium)

    @property
    def why(self) -> str:
        """Why the checks differ, where they do."""
        return WHY.get(self.name, "")


def is_success(found: str) -> bool:
    """Whether a call holds, or a candidate is gathered."""
    return found in (CONNECTED, CANDIDATE)


def turn_rows() -> Sequence[RelayRow]:
    """Calls by odd TURN servers."""
    return _read("turn")


def stun_rows() -> Sequence[RelayRow]:
    """Odd answers to Binding."""
    return _read("stun")


def _read(name: str) -> list[RelayRow]:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [RelayRow(**each) for each in kept]
