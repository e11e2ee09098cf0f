"""What ``NO_PROXY`` names besides what ``urllib`` reads there.

Networks (``10.0.0.0/8``), as curl, Go and Chromium have them, names by wildcard
(``*.example.org``), and a port that the address has by its scheme. Commas, semicolons and blanks
part the entries.
"""

import ipaddress
import re
from urllib.parse import SplitResult

from probe.untrusted.text import is_decimal

_ENTRIES = re.compile(r"[,;\s]+")
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def is_excepted(address: SplitResult, listed: str) -> bool:
    """Whether a list names the host of a web address. Never raises."""
    host = (address.hostname or "").partition("%")[0]
    try:
        port = address.port or _DEFAULT_PORTS.get(address.scheme.lower())
    except ValueError:
        port = None
    return any(_names(each.lower(), host, port) for each in _ENTRIES.split(listed) if each)


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*" or _holds(entry, host):
        return True
    name, colon, its_port = entry.rpartition(":")
    if colon and is_decimal(its_port) and "/" not in entry:
        if int(its_port) != port:
            return False
        entry = name
        if _holds(entry, host):
            return True
    name = entry.removeprefix("*").removeprefix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _holds(entry: str, host: str) -> bool:
    """Whether the entry is an address or network that has the host's address."""
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
