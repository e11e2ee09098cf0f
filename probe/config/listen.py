"""Where the web server listens: HOST:PORT. Imports nothing, for a command that runs often."""

DEFAULT_LISTEN = "[::]:9091"


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, the host without brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def check_listen(text: str) -> str:
    """HOST:PORT unchanged. Raises ValueError that says what would be right."""
    host, _, port = text.rpartition(":")
    bare = host.strip("[]")
    if not bare or not port.isdigit() or int(port) > 65535 or (":" in bare and bare == host):
        raise ValueError(f"'{text}' is no HOST:PORT: write {DEFAULT_LISTEN} for every address")
    return text
