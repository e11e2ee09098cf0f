"""Rows in which Chromium and a kind differ, and why."""

_QUOTA = "checks of the probe share a user's quota with each other, so they ask again"
_SLOW = "no handshakes: its limit on the round trip warns of it"
WHY: dict[tuple[str, str], str] = {
    ("turn", "Allocate refused by 486 once"): _QUOTA,
    ("call", "Allocate refused by 486 once"): _QUOTA,
    ("turn", "everything 3 s late"): _SLOW,
    ("turn", "relayed 4 s late"): _SLOW,
}
