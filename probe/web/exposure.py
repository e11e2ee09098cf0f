"""Whether the pages are public, and where they are served."""

_LOOPBACK = ("localhost", "::1")
_EVERY = ("::", "0.0.0.0")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is this machine's alone."""
    return host in _LOOPBACK or host.startswith("127.")


def exposure(listen: tuple[str, int], *, has_login: bool, is_meant: bool) -> str:
    """A warning about pages without a login; empty if there is one, or if they are public on
    purpose."""
    host, port = listen
    if has_login or is_meant or is_loopback(host):
        return ""
    where = "every address of this machine" if host in _EVERY else host
    return (
        f"the pages on {where}, port {port}, need no password: set PROBE_WEB_USER and "
        "PROBE_WEB_PASSWORD or PROBE_WEB_CONFIG_FILE, listen on 127.0.0.1, or say with "
        "PROBE_METRICS_OPEN=true that it is meant"
    )


def listening(host: str, port: int, *, encrypted: bool) -> str:
    """Where the pages are, for the log."""
    scheme = "https" if encrypted else "http"
    if host in _EVERY:
        every = f"listening on every address, port {port}"
        return f"{every}: the status page is on {scheme}://localhost:{port}/"
    shown = f"[{host}]" if ":" in host else host
    return f"the status page is on {scheme}://{shown}:{port}/"
