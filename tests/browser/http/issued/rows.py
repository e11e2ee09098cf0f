"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.browser.http.cross_origin.case import (
    ALLOWED,
    ANY,
    ECHO,
    NULL,
    ORIGIN,
    PAGE,
    PAGE_ITSELF,
    CrossRow,
    moved,
)
from tests.browser.http.cross_origin.server import HOST, Api

OUTCOMES = Path(__file__).with_name("outcomes.json")
TOKEN, RELAYS = "POST /auth/token", "POST /turn/credentials"
_WITHIN = "the first address is the operator's: a probe may ask from within, users by TLS"
_BODIES = {
    TOKEN: '{"accessToken":"x","expiresIn":"5m"}',
    RELAYS: '{"urls":["turn:127.0.0.1:3478"],"username":"u","credential":"c","ttl":3600}',
}
_NEEDS = {TOKEN: "content-type", RELAYS: "authorization, content-type"}
_METHODS, _HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
_ORIGINS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("nothing", ()),
    ("the page", (ALLOWED,)),
    ("*", (ANY,)),
    ("null", (NULL,)),
    ("another", (f"{ORIGIN}: https://old.example.org",)),
    ("the page, with a slash", (f"{ORIGIN}: <PAGE>/",)),
    ("two in one", (f"{ORIGIN}: <PAGE>, <PAGE>",)),
    ("two headers", (ALLOWED, ALLOWED)),
    ("itself", (f"{ORIGIN}: <0>",)),
    ("what it is asked with", (ECHO,)),
)
_REDIRECTS = (301, 302, 303, 307, 308)


class IssuedRow(CrossRow, frozen=True):
    """``is_within``: the page is over TLS, and the backend is asked by plain HTTP."""

    is_within: bool = False

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return _WITHIN if self.is_within else ""


def unasked_rows() -> Iterator[IssuedRow]:
    """The rows alone."""
    for wants in (TOKEN, RELAYS):
        yield from _answers(wants)
        yield from _preflights(wants)
        yield from _redirects(wants)
        yield from _of_the_page_itself(wants)
        yield from _secure(wants)


def _row(group: str, name: str, wants: str, *servers: Api, **more: object) -> IssuedRow:
    return IssuedRow(group, f"{wants}: {name}", servers, wants, **more)  # type: ignore[arg-type]


def issued(wants: str, *lines: str, status: int = 201, body: str | None = None) -> str:
    """What a backend answers, with these headers."""
    text = _BODIES[wants] if body is None else body
    head = [f"HTTP/1.1 {status} S", *lines, f"Content-Length: {len(text)}", "Connection: close"]
    return "\r\n".join([*head, "", text])


def permitted(wants: str, *lines: str, status: int = 204) -> str:
    """The answer to a preflight, which permits what the page needs."""
    return issued(
        wants, f"{_HEADERS}: {_NEEDS[wants]}", *(lines or (ALLOWED,)), status=status, body=""
    )


def _api(wants: str, preflight: str, answer: str, path: str = "") -> dict[str, str]:
    path = path or wants.split(" ")[1]
    return {f"OPTIONS {path}": preflight, f"POST {path}": answer}


def _answers(wants: str) -> Iterator[IssuedRow]:
    group = "what the backend answers a page"
    for name, lines in _ORIGINS:
        api = Api(_api(wants, permitted(wants), issued(wants, *lines)))
        yield _row(group, f"allows {name}", wants, api)
        api = Api(_api(wants, permitted(wants), issued(wants, *lines, status=200)))
        yield _row(group, f"200, allows {name}", wants, api)
    for status in (400, 401, 403, 404, 500, 503):
        for name, lines in _ORIGINS[:2]:
            api = Api(_api(wants, permitted(wants), issued(wants, *lines, status=status)))
            yield _row(group, f"{status}, allows {name}", wants, api)
    for name, body in (("no JSON", "<html>"), ("nothing", ""), ("another object", '{"a":1}')):
        api = Api(_api(wants, permitted(wants), issued(wants, ALLOWED, body=body)))
        yield _row(group, f"allowed: {name}", wants, api)


def _preflights(wants: str) -> Iterator[IssuedRow]:
    group, answer = "preflights of what is issued", issued(wants, ALLOWED)

    def row(name: str, preflight: str) -> IssuedRow:
        return _row(group, f"preflight {name}", wants, Api(_api(wants, preflight, answer)))

    for name, lines in _ORIGINS:
        yield row(f"allows {name}", permitted(wants, *(lines or ("Vary: Origin",))))
    for status in (200, 201, 204, 301, 307, 400, 401, 403, 404, 405, 500, 502):
        yield row(f"{status}", permitted(wants, ALLOWED, "Location: /x", status=status))
    for words, names in (
        ("no header", None),
        ("content-type", "content-type"),
        ("authorization", "authorization"),
        ("both", "Authorization,Content-Type"),
        ("*", "*"),
        ("no names", "content-type, authorization, x y"),
    ):
        given = [ALLOWED, *([] if names is None else [f"{_HEADERS}: {names}"])]
        yield row(f"permits {words}", issued(wants, *given, status=204, body=""))
    for methods in ("GET", "POST", "*", "a b"):
        yield row(f"permits {methods!r}", permitted(wants, ALLOWED, f"{_METHODS}: {methods}"))
    yield row("breaks off", "")
    yield row("is no HTTP", "hello\r\n\r\n")


def _redirects(wants: str) -> Iterator[IssuedRow]:
    group, path = "redirects of what is issued", wants.split(" ")[1]
    yes, no = permitted(wants, ECHO), issued(wants, ECHO, status=404, body="")
    both = {"OPTIONS /x": yes, "POST /x": issued(wants, ECHO), "GET /x": issued(wants, ECHO)}
    for status in _REDIRECTS:
        leads = _api(wants, yes, moved("/x", ALLOWED, status=status))
        for words, answers in (
            ("which answers both", both),
            ("which answers POST", {**both, "GET /x": no}),
            ("which answers GET", {**both, "POST /x": no}),
            ("whose preflight fails", {**both, "OPTIONS /x": no}),
            ("which allows nothing", {**both, "POST /x": issued(wants), "GET /x": issued(wants)}),
        ):
            yield _row(group, f"{status} within, {words}", wants, Api({**leads, **answers}))
            away = Api(_api(wants, yes, moved("<1>/x", ALLOWED, status=status)))
            yield _row(group, f"{status} elsewhere, {words}", wants, away, Api(answers))
        quiet = Api({**_api(wants, yes, moved("/x", status=status)), **both})
        yield _row(group, f"{status} that allows nothing", wants, quiet)
    away = Api(_api(wants, yes, moved("<1>/x", ALLOWED, status=307)))
    for names in ("content-type", "authorization, content-type"):
        some = {**both, "OPTIONS /x": issued(wants, ECHO, f"{_HEADERS}: {names}", body="")}
        yield _row(group, f"307 elsewhere, which permits {names}", wants, away, Api(some))
    there = Api({"OPTIONS /x": yes, "POST /x": moved("<0>/x", ECHO, status=307)})
    home = Api({**away.answers, **both})
    yield _row(group, "307 there and back", wants, home, there)
    for words, to in (
        ("a login", "http://u:p@127.0.0.1:<PORT 0>/x"),
        ("ftp:", "ftp://127.0.0.1/"),
        ("port 1", "http://127.0.0.1:1/"),
        ("itself", path),
    ):
        odd = {**both, **_api(wants, yes, moved(to, ALLOWED, status=307))}
        yield _row(group, f"307 to {words}", wants, Api(odd))
    for count in (20, 21):
        yield _row(group, f"{count} of them", wants, Api(_in_a_row(wants, count, yes)))


def _in_a_row(wants: str, count: int, yes: str) -> dict[str, str]:
    paths = [wants.split(" ")[1], *(f"/{at}" for at in range(1, count + 1))]
    answers: dict[str, str] = {}
    for at in range(count):
        answers |= _api(wants, yes, moved(paths[at + 1], ALLOWED, status=308), paths[at])
    return answers | _api(wants, yes, issued(wants, ECHO), paths[count])


def _of_the_page_itself(wants: str) -> Iterator[IssuedRow]:
    group, path = "what the page's own origin issues", wants.split(" ")[1]
    itself = {"GET /": PAGE_ITSELF, f"POST {path}": issued(wants)}
    yield _row(group, "without CORS", wants, page=Api(itself), start="<PAGE>")
    for status in (302, 307):
        within = {**itself, f"POST {path}": moved("/x", status=status), "POST /x": issued(wants)}
        yield _row(group, f"{status} within", wants, page=Api(within), start="<PAGE>")
        leads = {**itself, f"POST {path}": moved("<0>/x", status=status)}
        for name, lines in _ORIGINS[:3]:
            yes = permitted(wants, *(lines or ("Vary: Origin",)))
            away = {
                "OPTIONS /x": yes,
                "POST /x": issued(wants, ECHO),
                "GET /x": issued(wants, ECHO),
            }
            words = f"{status} elsewhere, preflight allows {name}"
            yield _row(group, words, wants, Api(away), page=Api(leads), start="<PAGE>")
            away = {"OPTIONS /x": permitted(wants), "POST /x": issued(wants, *lines)}
            words = f"{status} elsewhere, allows {name}"
            yield _row(group, words, wants, Api(away), page=Api(leads), start="<PAGE>")


def _secure(wants: str) -> Iterator[IssuedRow]:
    group, page = "what is issued over TLS", Api({"*": PAGE_ITSELF}, "page.shop.test", tls=True)
    full = _api(wants, permitted(wants), issued(wants, ALLOWED))
    by_tls, plain = Api(full, "api.shop.test", tls=True), Api(full, "api.shop.test")
    yield _row(group, "a secure page", wants, by_tls, page=page)
    yield _row(group, "a plain page", wants, by_tls, page=PAGE)
    yield _row(group, "a secure page, by http:", wants, plain, page=page, is_within=True)
    for status in (301, 308):
        leads = _api(
            wants, permitted(wants), moved(f"<1>{wants.split(' ')[1]}", ALLOWED, status=status)
        )
        up = Api(leads, "api.shop.test"), by_tls
        words = f"a secure page, by http: to https:, {status}"
        yield _row(group, words, wants, *up, page=page, is_within=True)
        down = Api(leads, "api.shop.test", tls=True), Api(full, "www.shop.test")
        yield _row(group, f"a secure page, from https: to http:, {status}", wants, *down, page=page)
    here = Api(full, HOST)
    yield _row(group, "a secure page asks this machine by http:", wants, here, page=page)
