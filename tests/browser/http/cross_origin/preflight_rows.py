"""Rows of preflights: what permits a request with JSON or a token, and what does not."""

from collections.abc import Iterator, Sequence

from tests.browser.http.cross_origin.case import (
    ALLOWED,
    ANY,
    ECHO,
    NULL,
    ORIGIN,
    WITH_COOKIES,
    CrossRow,
    answer,
)
from tests.browser.http.cross_origin.server import Api

_GROUP = "preflights"
_METHODS, _HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
_JSON, _TOKEN = "POST /x content-type", "POST /x authorization,content-type"
_ALLOWS = f"{_HEADERS}: authorization, content-type"
_LISTS_OF_HEADERS = (
    "content-type", "Content-Type", "CONTENT-TYPE", "content-type,", ",content-type",
    "content-type;", "content-type, x y", "content-type, x:y", "content-type content-type",
    "content_type", "content-typ", '"content-type"', "content-type, é", "content-type,,",
    " content-type ", "\tcontent-type", "*", "* ", "*, content-type", "x, *", "**", "x", "",
    "content-type, (x)", "content-type, x=y", "content-type, x/y", "authorization, content-type",
    "Authorization,Content-Type", "authorization", "*, authorization", "content-type, *",
    "authorization, *", "content-type, \x7f", "origin, content-type, accept", "'content-type'",
    "content-type\x00", "content-type, @", "content-type, a]b", "content-type, {x}",
)  # fmt: skip
_LISTS_OF_METHODS = (
    "PUT", "put", "Put", "PUT,", "GET, PUT", "GET;PUT", "GET PUT", "*", "GET, *", "", "GET",
    "PUT, x y", '"PUT"', "PUT, {}", "PUT, (x)", "GET,PUT,POST", "PUT\x00",
)  # fmt: skip
_STATUSES = (
    200, 201, 202, 204, 205, 206, 226, 299, 300, 301, 302, 304, 307, 308,
    400, 401, 403, 404, 405, 429, 500, 503,
)  # fmt: skip
_ORIGINS = (
    ("nothing", ""),
    ("*", ANY),
    ("null", NULL),
    ("another", f"{ORIGIN}: <0>"),
    ("what it is asked with", ECHO),
    ("two", f"{ALLOWED}\r\n{ALLOWED}"),
)
_OTHERS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("headers in two lines", (f"{_HEADERS}: authorization", f"{_HEADERS}: content-type")),
    ("headers in two lines, one wrong", (f"{_HEADERS}: a b", _ALLOWS)),
    ("Max-Age odd", (_ALLOWS, "Access-Control-Max-Age: x")),
    ("Max-Age -1", (_ALLOWS, "Access-Control-Max-Age: -1")),
    ("Expose-Headers odd", (_ALLOWS, "Access-Control-Expose-Headers: a b")),
    ("Allow alone", ("Allow: POST",)),
    ("methods missing", (_ALLOWS,)),
    ("methods of two lines", (_ALLOWS, f"{_METHODS}: GET", f"{_METHODS}: POST")),
    ("methods wrong", (_ALLOWS, f"{_METHODS}: a b")),
    ("gzip that is none", (_ALLOWS, "Content-Encoding: gzip")),
    ("Private-Network", (_ALLOWS, "Access-Control-Allow-Private-Network: true")),
)


def preflights() -> Iterator[CrossRow]:
    """The rows alone."""
    yield from _lists()
    for status in _STATUSES:
        yield _permits(f"answers {status}", _TOKEN, _ALLOWS, "Location: /y", status=status)
    for name, allowed in _ORIGINS:
        for cookies in (False, True):
            words = f"the origin allowed is {name}{_cookies(cookies)}"
            yield _permits(words, _TOKEN, _ALLOWS, allowed=allowed, credentials=cookies)
    for name, lines in _OTHERS:
        yield _permits(name, _TOKEN, *lines, status=200)
    whole = answer(ALLOWED, _ALLOWS)
    yield _answered("a body that breaks off", whole.replace("Length: 2", "Length: 50"))
    yield _answered("no answer to OPTIONS", "")
    yield _answered("103 before the answer", "HTTP/1.1 103 E\r\n\r\n" + whole)


def _lists() -> Iterator[CrossRow]:
    for cookies in (False, True):
        for value in _LISTS_OF_HEADERS:
            words = f"allows headers {value!r}{_cookies(cookies)}"
            for wants in (_JSON, _TOKEN):
                yield _permits(words, wants, f"{_HEADERS}: {value}", credentials=cookies)
        for value in _LISTS_OF_METHODS:
            words = f"allows methods {value!r}{_cookies(cookies)}"
            lines = f"{_METHODS}: {value}", f"{_HEADERS}: content-type"
            for wants in ("PUT /x", "DELETE /x", _JSON):
                yield _permits(words, wants, *lines, credentials=cookies)


def _cookies(sent: bool) -> str:
    return ", with cookies" if sent else ""


def _answered(name: str, to_options: str) -> CrossRow:
    api = Api({"OPTIONS /x": to_options, "*": answer(ALLOWED)})
    return CrossRow(_GROUP, name, [api], _TOKEN)


def _permits(
    name: str,
    wants: str,
    *lines: str,
    status: int = 204,
    credentials: bool = False,
    allowed: str = ALLOWED,
) -> CrossRow:
    cookies = (WITH_COOKIES,) if credentials else ()
    given = tuple(each for each in (allowed, *cookies, *lines) if each)
    api = Api({"OPTIONS /x": answer(*given, status=status), "*": answer(ALLOWED, *cookies)})
    return CrossRow(_GROUP, f"{wants}: {name}", [api], wants, credentials)
