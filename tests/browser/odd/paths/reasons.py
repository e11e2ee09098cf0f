"""Rows in which Chromium and the check differ, and why."""

_VERSIONS = "Chromium speaks DTLS 1.3 and the check 1.2: a flight has other datagrams"
WHY: dict[str, str] = {
    "datagram 2 by the offering side: its first byte altered": _VERSIONS,
}
