"""Settings of the public status page: where it is served, its title, logo and links."""

import base64
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from probe.config.listen import check_listen, listen_address

MAX_LOGO_BYTES = 65536
_KINDS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_PATH_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_/")
_TAKEN = frozenset(
    {
        *("api", "badge", "checks", "events", "healthz", "incidents", "metrics", "peer", "probe"),
        *("config", "providers", "public", "readyz", "runbooks", "services"),
    }
)
EXAMPLE = "0.0.0.0:9092, or a path such as /status"


class PublicSettings(Struct, frozen=True):
    """``listen`` is the public page's own address, ``path`` its path among the other pages;
    neither: it is not served to the public. ``logo`` is a ``data:`` address, ``links`` are
    (name, address)."""

    listen: tuple[str, int] | None = None
    path: str = ""
    title: str = ""
    logo: str = ""
    links: tuple[tuple[str, str], ...] = ()


def check_public_listen(text: str) -> str:
    """HOST:PORT or /path unchanged. Raises ValueError that says what would be right."""
    if not text or not text.startswith("/"):
        return check_listen(text) if text else text
    name = text.strip("/")
    if not name or set(text) - _PATH_LETTERS or "//" in text:
        raise ValueError(f"'{text}' is neither HOST:PORT nor a path: write {EXAMPLE}")
    if name.split("/")[0] in _TAKEN:
        raise ValueError(f"{text} is a page of the probe already: write another path")
    return text


def check_links(text: str) -> str:
    """NAME=ADDRESS, separated by commas, unchanged. Raises ValueError."""
    for name, address in links_of(text):
        if not name or urlsplit(address).scheme not in ("http", "https"):
            raise ValueError(
                f"'{name}={address}' is not a link: write NAME=https://…, separated by commas"
            )
    return text


def public_settings(listen: str, title: str, logo: Path | None, links: str) -> PublicSettings:
    """From the variables, which are valid."""
    is_path = listen.startswith("/")
    return PublicSettings(
        listen=listen_address(listen) if listen and not is_path else None,
        path=f"/{listen.strip('/')}" if is_path else "",
        title=title,
        logo=logo_address(logo) if logo is not None else "",
        links=links_of(links),
    )


def links_of(text: str) -> tuple[tuple[str, str], ...]:
    """(name, address) of each."""
    parts = (each.partition("=") for each in text.split(",") if each.strip())
    return tuple((name.strip(), address.strip()) for name, _, address in parts)


def logo_address(path: Path) -> str:
    """A picture as a ``data:`` address. Raises ValueError that says why it can't be one."""
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"{path}: write a file that ends in {', '.join(_KINDS)}")
    try:
        found = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or 'it cannot be read'}") from None
    if len(found) > MAX_LOGO_BYTES:
        raise ValueError(f"{path}: longer than {MAX_LOGO_BYTES:,} bytes")
    return f"data:{kind};base64,{base64.b64encode(found).decode()}"
