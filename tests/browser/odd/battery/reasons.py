"""Rows in which Chromium and the checks differ, and why."""

_FLOODS = "a check ends what sends thousands of frames"
_NOT_OURS = "Chromium makes a candidate of an address that no peer reaches"
_LOOPS = "a check reads 256 attributes of a message at most"
_SHARED_QUOTA = "checks of the probe share a user's quota with each other, so they ask again"
_NO_COOKIE = "a stream in which something is no STUN is given up: where it goes on is a guess"
WHY: dict[str, str] = {
    "beside a reply: 1,000 events": _FLOODS,
    "XOR of the other family, MAPPED right": _NOT_OURS,
    "XOR of family 2, 20 bytes": _NOT_OURS,
    "MAPPED of family 2, 20 bytes": _NOT_OURS,
    "10.0.0.1 port 0": _NOT_OURS,
    "8.8.8.8 port 0": _NOT_OURS,
    "203.0.113.255 port 0": _NOT_OURS,
    "224.0.0.1 port 40000": _NOT_OURS,
    "239.1.1.1 port 40000": _NOT_OURS,
    "300 attributes": _LOOPS,
    "486 once": _SHARED_QUOTA,
    "zeros behind the answer to Allocate, by TCP": _NO_COOKIE,
    "zeros before ChannelData, by TCP": _NO_COOKIE,
}
