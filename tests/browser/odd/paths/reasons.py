"""Rows in which Chromium and the check differ, and why."""

_VERSIONS = "Chromium speaks DTLS 1.3 and the check 1.2: a flight has other datagrams"
_LATE = "of SCTP's handshake a browser sends nothing again so late"
WHY: dict[str, str] = {
    "closed for 16.5 s: relayed 8": _LATE,
    "datagram 2 by the offering side: its first byte altered": _VERSIONS,
}
