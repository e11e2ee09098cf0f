"""Addresses as browsers read them: the URL standard (https://url.spec.whatwg.org/).

Backslashes are slashes, ``///host`` has a host, ``%2e`` is a dot, hosts are percent-decoded and
mapped (UTS 46), IPv4 addresses come in octal and hexadecimal, and escapes stay as they are written.
"""

import re
from urllib.parse import quote_from_bytes

from yarl import URL

# What every parser reads alike needs no other: it costs memory, and most addresses are plain.
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ORIGIN = (
    r"https?://(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
    rf"|{_BYTE}(?:\.{_BYTE}){{3}})(?::(?:[1-9][0-9]{{0,3}}|[1-5][0-9]{{4}}))?"
)
_PLAIN = re.compile(
    rf"{_ORIGIN}|(?:{_ORIGIN})?"
    r"(?:/(?![/.])[A-Za-z0-9_~-]*(?:\.[A-Za-z0-9_~-]+)*)+"
    r"(?:\?[A-Za-z0-9_~.&=-]+)?(?:\#[A-Za-z0-9_-]*)?"
)
# net::IsCanonicalizedHostCompliant, and literals of IPv6; no browser looks another host up.
_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[[0-9a-f:.]+\]")
_ASCII = bytes(range(0x80))


def web_address(text: str, base: URL | None = None) -> URL:
    """The address that a browser asks for; ``text`` may be relative to ``base``.

    Raises ValueError for one that is none, or no http: or https:.
    """
    if _PLAIN.fullmatch(text) and (base is not None or text.startswith("http")):
        address = URL(f"{text}/" if text.startswith("http") and text.count("/") == 2 else text)
        return base.join(address) if base is not None else address
    import ada_url

    found = ada_url.URL(text, base=str(base)) if base is not None else ada_url.URL(text)
    if found.protocol not in ("http:", "https:"):
        raise ValueError("neither http: nor https:")
    if _HOST.fullmatch(found.hostname) is None:
        raise ValueError("no name of a host")
    return URL(found.href, encoded=True)


def header_address(value: str, base: URL) -> URL:
    """The address in a header, whose bytes are ``value`` in Latin-1; those beyond ASCII count as
    percent-encoded (net::HttpResponseHeaders::IsRedirect). Raises ValueError as web_address does.
    """
    raw = value.encode("latin-1", "replace")
    return web_address(value if raw.isascii() else quote_from_bytes(raw, safe=_ASCII), base)
