"""Rows of redirects that a page's requests meet, within an origin and to others."""

from collections.abc import Iterator

from tests.browser.http.cross_origin.case import (
    ALLOWED,
    ANY,
    ECHO,
    NULL,
    PAGE,
    PAGE_ITSELF,
    WITH_COOKIES,
    CrossRow,
    answer,
    moved,
)
from tests.browser.http.cross_origin.server import HOST, Api

_GROUP = "redirects of a page's requests"
_CHOICES = (
    ("nothing", ()),
    ("the page", (ALLOWED,)),
    ("*", (ANY,)),
    ("null", (NULL,)),
    ("what it is asked with", (ECHO,)),
)
_TARGETS = (
    ("a login, within", "http://u:p@127.0.0.1:<PORT 0>/x"),
    ("a login, elsewhere", "http://u:p@127.0.0.1:<PORT 1>/x"),
    ("data:", "data:text/plain,ok"),
    ("ftp:", "ftp://127.0.0.1/"),
    ("about:blank", "about:blank"),
    ("javascript:", "javascript:1"),
    ("nothing", ""),
    ("a fragment", "#x"),
    ("port 1", "http://127.0.0.1:1/"),
    ("port 6000", "http://127.0.0.1:6000/"),
    ("a path with blanks", "/a b"),
    ("a backslash", "\\x"),
    ("no address", "http://[::1"),
)
_COOKIES = (
    ("both with cookies", (ALLOWED, WITH_COOKIES), (NULL, WITH_COOKIES)),
    ("cookies at the first alone", (ALLOWED, WITH_COOKIES), (NULL,)),
    ("cookies at the second alone", (ALLOWED,), (NULL, WITH_COOKIES)),
    ("any at the second", (ALLOWED, WITH_COOKIES), (ANY, WITH_COOKIES)),
)


def redirects() -> Iterator[CrossRow]:
    """The rows alone."""
    yield from _from_one_to_another()
    yield from _there_and_back()
    yield from _by_the_page_itself()
    yield from _targets()
    yield from _cookies()
    yield from _secure()


def _leading(
    name: str, *hops: Api, start: str = "<0>", credentials: bool = False, page: Api = PAGE
) -> CrossRow:
    return CrossRow(_GROUP, name, hops, start=start, credentials=credentials, page=page)


def _from_one_to_another() -> Iterator[CrossRow]:
    for first, lines in _CHOICES:
        for status in (301, 307):
            here = Api({"GET /": moved("/x", *lines, status=status), "*": answer(ALLOWED)})
            yield _leading(f"{status} within, allows {first}", here)
        for last, others in _CHOICES:
            name = f"elsewhere: allows {first}, then {last}"
            yield _leading(name, Api({"*": moved("<1>/x", *lines)}), Api({"*": answer(*others)}))


def _there_and_back() -> Iterator[CrossRow]:
    for last, others in _CHOICES:
        there = Api({"*": moved("<0>/y", ECHO)})
        home = Api({"GET /": moved("<1>/x", ECHO), "*": answer(*others)})
        yield _leading(f"there and back, allows {last}", home, there)
    home = Api({"GET /": moved("<1>/x", ECHO), "*": answer(ALLOWED)})
    yield _leading("there and back, there nothing", home, Api({"*": moved("<0>/y")}))


def _by_the_page_itself() -> Iterator[CrossRow]:
    for last, others in _CHOICES:
        name = f"to the page's own origin, which allows {last}"
        page = Api({"GET /x": answer(*others), "*": PAGE_ITSELF})
        yield _leading(name, Api({"*": moved("<PAGE>/x", ALLOWED)}), page=page)
        name = f"from the page's own origin, allows {last}"
        page = Api({"GET /s": moved("<0>/x"), "*": PAGE_ITSELF})
        yield _leading(name, Api({"*": answer(*others)}), page=page, start="<PAGE>/s")
        name = f"from the page's own origin and back, allows {last}"
        answers = {"GET /s": moved("<0>/x"), "GET /z": answer(*others), "*": PAGE_ITSELF}
        back = Api({"*": moved("<PAGE>/z", ALLOWED)})
        yield _leading(name, back, page=Api(answers), start="<PAGE>/s")


def _targets() -> Iterator[CrossRow]:
    for words, to in _TARGETS:
        here = Api({"GET /": moved(to, ANY), "*": answer(ANY)})
        yield _leading(f"to {words}", here, Api({"*": answer(ANY)}))
    for count in (19, 20, 21):
        paths = ["/", *(f"/{at}" for at in range(1, count + 1))]
        answers = {f"GET {paths[at]}": moved(paths[at + 1], ALLOWED) for at in range(count)}
        yield _leading(f"{count} of them", Api({**answers, "*": answer(ALLOWED)}))


def _cookies() -> Iterator[CrossRow]:
    for name, lines, others in _COOKIES:
        hops = Api({"*": moved("<1>/x", *lines)}), Api({"*": answer(*others)})
        yield _leading(f"cookies elsewhere: {name}", *hops, credentials=True)
    for words, allowed in (("allowed", (ALLOWED, WITH_COOKIES)), ("not allowed", (ALLOWED,))):
        here = Api({"GET /": moved("/x", *allowed), "*": answer(ALLOWED, WITH_COOKIES)})
        yield _leading(f"cookies within: {words}", here, credentials=True)


def _secure() -> Iterator[CrossRow]:
    page = Api({"*": PAGE_ITSELF}, "page.shop.test", tls=True)
    leads = {"*": moved("<1>/x", ANY)}
    by_tls, plain, local = (
        Api(leads, "api.shop.test", tls=True),
        Api(leads, "api.shop.test"),
        Api(leads, HOST),
    )
    for name, tls in (("http:", False), ("https:", True)):
        last = Api({"*": answer(ANY)}, "www.shop.test", tls=tls)
        yield _leading(f"a secure page: https: to {name}", by_tls, last, page=page)
        yield _leading(f"a plain page: http: to {name}", plain, last)
        yield _leading(f"a secure page asks by http:, to {name}", plain, last, page=page)
        words = f"a secure page: http: on this machine to {name}"
        yield _leading(words, local, last, page=page)
