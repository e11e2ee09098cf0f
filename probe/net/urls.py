"""Web addresses as people write them: checked with a word on what would be right, and shown
without what may be secret in them."""

import ipaddress
import re
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, SecretStr

from probe.core.field_types import Described
from probe.untrusted.text import without_keys

EXAMPLE = "https://example.org"
_MAX_SHOWN = 80
# Letters beyond ASCII are left to IDNA, and underscores occur in private names.
_NAME = re.compile(r"^(?!-)\w(?:[\w-]{0,61}\w)?(\.(?!-)[\w-]{1,63})*\.?$")
_NUMERIC = re.compile(r"^[0-9.]+$|^0x[0-9a-f.x]+$")
# What is left of one that was cut: "//host", "http:/host", "https:host", "https//host".
_SCHEME_ALONE = re.compile(r"^(?:https?(?:[:;]|(?=[/\\])))?[/\\]*", re.IGNORECASE)
_LOCAL = re.compile(r"^(localhost|127\.[0-9.]+|\[::1\])(:|/|$)")


def check_http_url(url: str) -> str:
    """The address unchanged. Raises ValueError that says what would be right."""
    if not url:
        raise ValueError(f"is empty: write {EXAMPLE}")
    shown = _redacted(url)
    if not url.isprintable() or " " in url:
        raise ValueError(f"'{shown}' holds a blank or a control character: remove it")
    if url[:1] in "\"'" or url[-1:] in "\"'":
        raise ValueError(f"'{shown}' has a quote at its beginning or end: leave it out")
    if url[:1] == "<" or url[-1:] == ">":
        raise ValueError(f"'{shown}' is in angle brackets: leave them out")
    if url[:1] == "$":
        raise ValueError(f"'{shown}' is a variable, which is not expanded here: write the address")
    scheme, mark, rest = url.partition("://")
    if not shown:
        raise ValueError(f"is not a web address: write it like {EXAMPLE}")
    if shown[0] == "/" and shown[:2] != "//":
        raise ValueError(f"'{shown}' is a path alone: write https://HOST{shown}")
    if not mark:
        bare = _SCHEME_ALONE.sub("", shown)
        raise ValueError(f"'{shown}' has no scheme: write {_suggested(bare)}")
    if scheme.lower() not in ("http", "https"):
        suggested = _suggested(_redacted(rest))
        raise ValueError(f"'{shown}' is not a web address: write {suggested}")
    _check_host(url, shown)
    return url


def split_urls(text: str | None) -> list[str]:
    """Addresses that are separated by commas, semicolons or white space."""
    return [address for address in re.split(r"[\s,;]+", text or "") if address]


def check_base_url(url: str) -> str:
    """Like check_http_url, for an address that paths are appended to; no slash at its end. Raises
    ValueError, also for a query or a fragment."""
    check_http_url(url)
    parts = urlsplit(url)
    if "?" in url or "#" in url:
        raise ValueError(f"paths are appended to it: write {show_url(url)}, without query")
    return parts.geturl().rstrip("/")


def show_url(url: str) -> str:
    """An address for people: without user info, query and fragment."""
    parts = urlsplit(url)
    return SplitResult(parts.scheme, show_host(url), parts.path, "", "").geturl()


@lru_cache(maxsize=1024)
def show_host(url: str) -> str:
    """Host and port for people, as the address has them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def expanded(path: Path) -> Path:
    """The path with the home directory in the place of ``~``, as shells have it and files and
    containers don't."""
    try:
        return path.expanduser()
    except RuntimeError:  # no such user, or no home
        return path


def check_ca_file(path: Path) -> Path:
    """The path, a ``~`` expanded. Raises ValueError unless it is a file of PEM certificates."""
    path = expanded(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"{path} holds no certificate: write the path of a PEM file") from None
    except OSError as error:
        reason = error.strerror or "no such file"
        raise ValueError(f"can't read {path} ({reason}): write the path of a PEM file") from None
    return path


def _secret_http_url(url: SecretStr) -> SecretStr:
    return SecretStr(check_http_url(url.get_secret_value()))


def _secret_base_url(url: SecretStr) -> SecretStr:
    return SecretStr(check_base_url(url.get_secret_value()))


def _connection(url: str) -> str:
    """An address of HTTP or of a WebSocket. Raises ValueError that says what would be right."""
    secure = {"wss": "https", "ws": "http"}
    scheme, mark, rest = url.partition("://")
    check_http_url(secure.get(scheme.lower(), scheme) + mark + rest)
    if "@" in urlsplit(url).netloc:
        raise ValueError("write it without a login: no page has one")
    return url


def _without_login(url: SecretStr) -> SecretStr:
    if "@" in urlsplit(url.get_secret_value()).netloc:
        raise ValueError("write it without a login: the token is sent in Authorization")
    return url


# Types for the fields of tables and environments. An address may hold a password or a token.
HttpUrl = Annotated[SecretStr, AfterValidator(_secret_http_url), Described(type="URL")]
BaseUrl = Annotated[SecretStr, AfterValidator(_secret_base_url), Described(type="URL")]
# An address that the scripts of a page connect to.
Connection = Annotated[str, AfterValidator(_connection)]
# An address whose requests carry a token in Authorization, where no login fits.
TokenBaseUrl = Annotated[
    SecretStr,
    AfterValidator(_secret_base_url),
    AfterValidator(_without_login),
    Described(type="URL"),
]
CaFile = Annotated[
    Path,
    AfterValidator(check_ca_file),
    Described(
        "PEM file with certificate authorities that are trusted in addition to the system's."
        " Example: `/etc/probe/ca.pem`"
    ),
]


def _check_host(url: str, shown: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.netloc.count("]") > 1:
            raise ValueError
    except ValueError:
        raise ValueError(f"'{shown}' is not a web address: write it like {EXAMPLE}") from None
    try:
        usable_port = parts.port != 0
    except ValueError:
        usable_port = False
    if not usable_port:
        raise ValueError(f"'{shown}' has an impossible port: write one from 1 to 65535")
    if not host:
        raise ValueError(f"'{shown}' names no host: write it like {EXAMPLE}")
    if not _is_host(host):
        raise ValueError(f"'{shown}' has an impossible host name: write it like {EXAMPLE}")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # 127.1 and 2130706433 are addresses for some and names for others.
        return bool(_NAME.match(host)) and not _NUMERIC.match(host)
    return True


def _redacted(url: str) -> str:
    """What may be shown of something that may not even be an address."""
    scheme, mark, rest = url.rpartition("://")
    bare = re.split(r"[?#]", rest.rpartition("@")[2])[0]
    text = "".join(each for each in scheme + mark + bare if each.isprintable())
    # A token where an address belongs, or the path of an incoming webhook.
    return without_keys(text)[:_MAX_SHOWN]


def _suggested(bare: str) -> str:
    """What to write for host and path without a scheme; an example where they are none."""
    url = ("http://" if _LOCAL.match(bare) else "https://") + bare
    try:
        _check_host(url, url)
    except ValueError:
        return f"it like {EXAMPLE}"
    return url
