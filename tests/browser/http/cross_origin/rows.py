"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.browser.http.cross_origin.case import (
    ALLOWED,
    ANY,
    CREDENTIALS,
    ORIGIN,
    PAGE_ITSELF,
    CrossRow,
    answer,
)
from tests.browser.http.cross_origin.preflight_rows import preflights
from tests.browser.http.cross_origin.redirect_rows import redirects
from tests.browser.http.cross_origin.server import Api

OUTCOMES = Path(__file__).with_name("outcomes.json")
_GROUP = "answers to a page of another origin"
_ORIGINS = (
    "<PAGE>", "*", "null", "<PAGE>/", "<PAGE>, <PAGE>", "<PAGE>,", "*, *", "<PAGE>, *",
    " <PAGE> ", "\t<PAGE>\t", '"<PAGE>"', "", "<PAGE> <0>", "<0>", "http://127.0.0.1",
    "http://localhost", "http://*", "127.0.0.1", "<ECHO>", "\x0b<PAGE>", "* ", "**",
    "<PAGE>;", "<PAGE>\x00", "undefined", "false",
)  # fmt: skip
_CORP = "Cross-Origin-Resource-Policy"
_HEADERS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("nothing", ()),
    ("in capitals", (ALLOWED.upper(),)),
    ("the name in small letters", (ALLOWED.replace(ORIGIN, ORIGIN.lower()),)),
    ("HTTP:// in capitals", (f"{ORIGIN}: HTTP://127.0.0.1:<PORT PAGE>",)),
    ("two headers, equal", (ALLOWED, ALLOWED)),
    ("two headers, one empty", (ALLOWED, f"{ORIGIN}:")),
    ("two headers, the first empty", (f"{ORIGIN}:", ALLOWED)),
    ("two headers, * and the page", (ANY, ALLOWED)),
    ("on a folded line", (f"{ORIGIN}:\r\n <PAGE>",)),
    ("a blank before the colon", (f"{ORIGIN} : <PAGE>",)),
    (f"{_CORP}: same-origin", (ALLOWED, f"{_CORP}: same-origin")),
    (f"{_CORP} alone", (f"{_CORP}: cross-origin",)),
    ("nosniff", (ALLOWED, "X-Content-Type-Options: nosniff")),
    ("Timing-Allow-Origin alone", ("Timing-Allow-Origin: *",)),
)
_TRUE = ("true", "TRUE", "True", " true ", "1", "false", "yes", "", "true, true", "true,", '"true"')


def unasked_rows() -> Iterator[CrossRow]:
    """The rows alone."""
    yield from _answers()
    yield from _credentials()
    yield from redirects()
    yield from preflights()


def _answers() -> Iterator[CrossRow]:
    for value in _ORIGINS:
        for with_cookies in (False, True):
            lines = [f"{ORIGIN}: {value}", *([f"{CREDENTIALS}: true"] if with_cookies else [])]
            name = f"allows {value!r}{', with cookies' if with_cookies else ''}"
            yield _row(name, *lines, credentials=with_cookies)
    for name, headers in _HEADERS:
        yield _row(f"allows: {name}", *headers)
    for status in (204, 205, 206, 226, 299):
        yield _row(f"{status}, allowed", ALLOWED, status=status)
        yield _row(f"{status}, not allowed", status=status)
    page = Api({"*": PAGE_ITSELF}, "page.shop.test", tls=True)
    for name, host in (
        ("a secure page asks by http:", "www.shop.test"),
        ("a secure page asks by http: on this machine", "127.0.0.1"),
    ):
        yield CrossRow(_GROUP, name, [Api({"*": answer(ANY)}, host)], page=page)


def _credentials() -> Iterator[CrossRow]:
    for value in _TRUE:
        yield _row(f"credentials {value!r}", ALLOWED, f"{CREDENTIALS}: {value}", credentials=True)
    for name, values in (
        ("not named", ()),
        ("twice", ("true", "true")),
        ("twice, one false", ("true", "false")),
    ):
        lines = (f"{CREDENTIALS}: {each}" for each in values)
        yield _row(f"credentials {name}", ALLOWED, *lines, credentials=True)


def _row(name: str, *lines: str, status: int = 200, credentials: bool = False) -> CrossRow:
    api = Api({"*": answer(*lines, status=status)})
    return CrossRow(_GROUP, name, [api], credentials=credentials)
