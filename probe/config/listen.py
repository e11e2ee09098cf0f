"""Where the web server listens (HOST:PORT), and the names that it has. Imports little, for a
command that runs often."""

import re

DEFAULT_LISTEN = "[::]:9091"
_HOST_PATTERN = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?\Z|\*\Z", re.IGNORECASE)


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, the host without brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def check_listen(text: str) -> str:
    """HOST:PORT unchanged. Raises ValueError that says what would be right."""
    host, _, port = text.rpartition(":")
    bare = host.strip("[]")
    # Not all that isdigit takes is a number: ².
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    if not bare or not is_port or (":" in bare and bare == host):
        raise ValueError(f"'{text}' is not HOST:PORT: write {DEFAULT_LISTEN} for every address")
    return text


def host_patterns(text: str) -> tuple[str, ...]:
    """Names of hosts from a list: ``probe.example.org``, ``*.example.org``, ``*``. Raises
    ValueError that says what would be right."""
    found = tuple(each for each in re.split(r"[\s,;]+", text) if each)
    for each in found:
        if not _HOST_PATTERN.match(each):
            right = "write names without scheme and port: probe.example.org, *.example.org"
            raise ValueError(f"'{each[:100]}' is not a host name: {right}")
    return found


def check_host_patterns(text: str) -> str:
    """The list of :func:`host_patterns` unchanged. Raises ValueError."""
    host_patterns(text)
    return text
