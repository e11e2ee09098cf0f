"""Redacts secrets in texts: known ones, and what looks like one.

Every pattern reads a text once: how long that takes grows with its length alone, whatever
a target has put into it.
"""

import base64
import html
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, urlsplit

from probe.diagnostics.encoded_text import layers, masked
from probe.diagnostics.halved_secrets import MIN_SECRET as MIN_HALVED
from probe.diagnostics.halved_secrets import without_halves

MASK = "***"

# Shorter secrets can be guessed anyway, and hiding every "abc" would make texts unreadable.
MIN_SECRET = 4
# Shorter ones ("probe", "test") are hidden as whole words: "probe_success" is none.
_MIN_LENGTH_ANYWHERE = 8
_DEEPEST = 50
# Between the bytes of a dump.
_HEX_DIVIDERS = (":", " ", "-")

_RUN = re.compile(r"[^\s\"'<>`]*")
_AUTHORITY_END = re.compile(r"[/?#]")
_QUERY = re.compile(r"[?#]")
# A colon that is not followed by a port.
_PASSWORD_BEGINS = re.compile(r":(?!\d*$)")
_NAMES = (
    r"pass(?:word|wd)?|pwd|secret|token|api[_-]?key|secret[_-]?key|private[_-]?key"
    r"|authorization|cookie|credentials?|signature|dsn|webhook(?:[_-]?url)?"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES})$", re.IGNORECASE)
_ASSIGNED = re.compile(rf"((?:{_NAMES})=)(?:[^\s&\"'<>\\]|\\(?![\"']))+", re.IGNORECASE)
_QUOTED = re.compile(
    rf"((?:{_NAMES})\\?[\"']\s{{0,3}}[:=]\s{{0,3}}\\?[\"'])(?:[^\"'\\]|\\(?![\"']))+",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"(\bauthorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?:[a-z]{1,12}\s{1,3})?)[^\s\"'<>\\]+",
    re.IGNORECASE,
)
# "Bearer token missing" and "Basic authentication" are words about them.
_BEARER = re.compile(
    r"\b(bearer\s{1,3})(?!(?:token|auth|scheme|realm|header)[a-z]{0,16}\b)[\w.~+/=-]+",
    re.IGNORECASE,
)
_BASIC = re.compile(r"\b([Bb]asic\s{1,3})(?![A-Z]?[a-z]{0,20}(?![\w+/=-]))[\w+/=-]+")
_FLY = re.compile(r"(\bFlyV1\s{1,3})[^\s\"'<>]+|\bf(?:m[12][a-z]?|o1)_[^\s\"'<>]+")
_SLACK_PATH = re.compile(r"(/(?:services|workflows|triggers)/)T?[A-Z0-9]{6,}[^\s\"'<>]*")
_SLACK_TOKEN = re.compile(r"\bx(?:ox[a-z]|app)-[\w-]{8,}")
# A whole run is taken in one go, so that none is searched again from each of its characters.
_LONG_RUN = re.compile(r"[\w.-]{20,}+", re.ASCII)
# Each with what a text has to hold, in small letters, before it is worth trying.
_WITH_KEPT_START = (
    (("authorization",), _AUTHORIZATION),
    (("=",), _ASSIGNED),
    (('"', "'"), _QUOTED),
    (("bearer",), _BEARER),
    (("basic",), _BASIC),
    (("flyv1", "fm1", "fm2", "fo1_"), _FLY),
    (("/services/", "/workflows/", "/triggers/"), _SLACK_PATH),
    (("xox", "xapp"), _SLACK_TOKEN),
)


class Redactor:
    """Knows the secrets of one configuration.

    They are found as they are, quoted for an address (twice, too), escaped as in JSON, HTML
    or a ``repr``, in hexadecimal, and inside base64, whichever characters of them are escaped and
    whatever divides them (``encoded_text``); halves, where a text ends or begins. Of an address the
    user info, the password and the query are secrets of their own.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        secrets = list(secrets)
        # Of an address, the beginning and the end are no secrets.
        halved = {each for each in secrets if len(each) >= MIN_HALVED and "://" not in each}
        self._halved = sorted(halved)
        known = {part for secret in secrets for part in _parts(secret) if len(part) >= MIN_SECRET}
        forms = {form for secret in known for form in _forms(secret)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        # Looking for each form is forty times as fast as trying all of them at each character.
        self._forms = tuple(ordered)
        self._known = re.compile("|".join(map(_pattern, ordered))) if ordered else None
        self._hex_forms = tuple(form for secret in known for form in _hexadecimal(secret))
        self._hex = re.compile("|".join(self._hex_forms), re.IGNORECASE)
        bare = sorted({form for secret in known for form in _decoded_forms(secret)}, key=len)
        self._bare_forms = tuple(reversed(bare))
        self._bare = re.compile("|".join(map(_pattern, self._bare_forms))) if bare else None

    def clean(self, text: str) -> str:
        """The text without secrets; addresses lose user info, query and fragment."""
        if self._known is not None and any(form in text for form in self._forms):
            text = self._known.sub(MASK, text)
        text = without_halves(self._without_encoded(text), self._halved, MASK)
        if "://" in text:
            text = _bare_addresses(text)
        small = text.lower()
        if any(form in small for form in self._hex_forms):
            text = self._hex.sub(MASK, text)
        for markers, pattern in _WITH_KEPT_START:
            if any(marker in small for marker in markers):
                text = pattern.sub(_masked, text)
        return _LONG_RUN.sub(_without_jwt, text)

    def _without_encoded(self, text: str) -> str:
        if self._bare is None:
            return text
        spans = [
            (layer.starts[match.start()], layer.ends[match.end() - 1])
            for layer in layers(text)
            if any(form in layer.text for form in self._bare_forms)
            for match in self._bare.finditer(layer.text)
        ]
        return masked(text, spans, MASK) if spans else text

    def clean_deep(self, value: object) -> object:
        """The same for a structure, made of what strict JSON knows (and tuples).

        What a key such as ``password`` stands for is hidden whatever it is; anything that
        JSON doesn't know becomes its text. A structure that holds itself ends there.
        """
        return self._deep(value, ())

    def _deep(self, value: object, above: tuple[int, ...]) -> object:
        if value is None or _is_number(value):
            return value
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            return self.clean(text_of(value))
        if id(value) in above or len(above) > _DEEPEST:
            return MASK
        above = (*above, id(value))
        if isinstance(value, Mapping):
            return {
                self.clean(text_of(key)): self._valued(text_of(key), each, above)
                for key, each in value.items()
            }
        several = [self._deep(each, above) for each in value]
        return tuple(several) if isinstance(value, tuple) else several

    def _valued(self, name: str, value: object, above: tuple[int, ...]) -> object:
        harmless = value is None or isinstance(value, bool | int | float)
        if _SECRET_NAME.search(name) and not harmless:
            return MASK
        return self._deep(value, above)


def _is_number(value: object) -> bool:
    """Whether it is one that other programs can read."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and value.bit_length() < 64


def text_of(value: object) -> str:
    """``str()`` that never raises."""
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:  # whatever a foreign __str__ comes up with
        return f"<{type(value).__name__}>"


def _masked(match: re.Match[str]) -> str:
    kept = match.group(1) if match.re.groups else None
    return f"{kept or ''}{MASK}"


def _parts(secret: str) -> Iterator[str]:
    yield secret
    # A key of several lines may be shown line by line.
    yield from (line for line in secret.splitlines() if len(line) >= MIN_HALVED)
    if "://" in secret:
        try:
            parts = urlsplit(secret)
        except ValueError:
            return
        login = parts.password or parts.username or ""
        yield from filter(None, (login, unquote(login), parts.query))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for escape in _ESCAPES:
        try:
            yield escape(secret)
        except UnicodeEncodeError:  # a lone surrogate has no bytes to quote
            continue
    if len(secret) >= _MIN_LENGTH_ANYWHERE:
        raw = secret.encode("utf-8", "surrogatepass")
        yield from _inside_base64(raw)
        yield from _inside_base64(secret.encode("utf-16-le", "surrogatepass"))
        yield secret[::-1]


def _decoded_forms(secret: str) -> Iterator[str]:
    """What it is where escapes are decoded to characters, those of bytes to Latin-1's."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (secret, raw.decode("latin-1"))
    # One that looks like an escape itself.
    yield from (layer.text for layer in layers(secret) if len(layer.text) >= MIN_SECRET)
    if len(secret) >= _MIN_LENGTH_ANYWHERE:
        yield from _inside_base64(raw)
        yield secret[::-1]
        # What UTF-16 leaves of it where it is read as UTF-8.
        if len(letters := secret.encode("ascii", "ignore").decode()) >= _MIN_LENGTH_ANYWHERE:
            yield letters


def _hexadecimal(secret: str) -> Iterator[str]:
    """Its bytes in small letters, as they are and as a dump divides them."""
    if len(secret) >= _MIN_LENGTH_ANYWHERE:
        raw = secret.encode("utf-8", "surrogatepass")
        yield raw.hex()
        yield from (raw.hex(divider) for divider in _HEX_DIVIDERS)


def _quoted_small(secret: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), quote(secret, safe=""))


_ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda secret: quote(secret, safe=""),
    quote,
    quote_plus,
    _quoted_small,
    lambda secret: quote(quote(secret, safe=""), safe=""),
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    # As PHP writes JSON.
    lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    lambda secret: repr(secret)[1:-1],
    lambda secret: repr(repr(secret)[1:-1])[1:-1],
    html.escape,
    lambda secret: html.escape(secret, quote=False),
    # As Go's and other templates write HTML.
    lambda secret: html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
)


def _inside_base64(secret: bytes) -> Iterator[str]:
    """What base64 makes of it at each of the three places where it may begin."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        core = encoded[math.ceil(before * 8 / 6) : (before + len(secret)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    if len(form) >= _MIN_LENGTH_ANYWHERE:
        return escaped
    return rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _bare_addresses(text: str) -> str:
    """Every address without user info, query and fragment."""
    first, *parts = text.split("://")
    shown, inside_query = [first], False
    for part in parts:
        run = _RUN.match(part)
        end = run.end() if run else 0
        kept, has_query = ("", True) if inside_query else _bare(part[:end])
        shown.append(f"{'' if inside_query else '://'}{kept}{part[end:]}")
        # An address in the query of another belongs to that query.
        inside_query = has_query and end == len(part)
    return "".join(shown)


def _bare(address: str) -> tuple[str, bool]:
    """What may be shown of an address without its scheme, and whether there was a query."""
    authority = _AUTHORITY_END.split(address, maxsplit=1)[0]
    if "@" in authority:
        address = address[authority.rindex("@") + 1 :]
    elif "@" in address and _PASSWORD_BEGINS.search(authority):
        # A password with an unquoted slash or question mark.
        address = address.rpartition("@")[2]
    shown = _QUERY.split(address, maxsplit=1)
    return shown[0], len(shown) > 1


def _without_jwt(match: re.Match[str]) -> str:
    run = match.group()
    start = run.find("eyJ")
    return run if start < 0 or "." not in run[start:] else f"{run[:start]}{MASK}"
