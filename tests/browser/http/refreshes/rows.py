"""The rows, with what Chromium 156 made of each (``outcomes.json``).

Where a page leads is broken in most of them: a user whose browser stays has the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.browser.http.asking import AskedRow
from tests.browser.http.refreshes.server import WITH_COOKIE

OUTCOMES = Path(__file__).with_name("outcomes.json")
_META = '<meta http-equiv="refresh" content="0;url=/x">'
_LATER = "the user has the page for longer than 5 s before it leads elsewhere"
_STATUS = "a page with another status than the expected ones is a failure, wherever it leads"
_XML = "no application has pages of XML that are not announced as XHTML"
_VALUES: Sequence[str] = (
    "0;url=/x", "0; url=/x", "0;URL=/x", "0;Url = /x", "0,url=/x", "0 url=/x", "0; /x", "0;/x",
    "0 /x", "0/x", "0", "0;", "0;url=", "0;url", "0;url=''", "url=/x", ";url=/x", "", " ",
    "0;url='/x'", '0;url="/x"', "0;url='/x", '0;url="/x', "0;url='/x'y", "0;'/x'", "0;url=/x'",
    " 0;url=/x ", "\t0;url=/x", "0 ;url=/x", "0\t;\turl\t=\t/x", "0;;url=/x", "0,;url=/x",
    "00;url=/x", "+0;url=/x", "-1;url=/x", "0.0;url=/x", "0.9;url=/x", ".5;url=/x", ".;url=/x",
    "0.1.2;url=/x", "0x0;url=/x", "a;url=/x", "0a;url=/x", "0s;url=/x", "1e0;url=/x",
    "99999999999;url=/x", "0;url=x", "0;url=./x", "0;url=?x", "0;url=//127.0.0.1:1/",
    "0;url=http://127.0.0.1:1/", "0;url=ftp://127.0.0.1/", "0;url=data:text/html,x",
    "0;url=about:blank", "0;url=javascript:1", "0;url=http://[::1", "0;url=mailto:a@b",
    "0;url=#x", "0;url=/x#y", "0;url=\\x", "0;url=/y/../x", "0; url =/x", "0;uri=/x",
    "0;url:/x", "0;urlx", "0;url/x", "0;url=url=/x", "0\u00a0;url=/x",
)  # fmt: skip
_ELEMENTS: Mapping[str, str] = {
    "names in capitals": '<META HTTP-EQUIV="REFRESH" CONTENT="0;URL=/x">',
    "no quotes": "<meta http-equiv=refresh content=0;url=/x>",
    "single quotes": "<meta http-equiv='refresh' content='0;url=/x'>",
    "attributes exchanged": '<meta content="0;url=/x" http-equiv="refresh">',
    "a slash at the end": '<meta http-equiv="refresh" content="0;url=/x"/>',
    "no quotes and a slash": "<meta http-equiv=refresh content=0;url=/x/>",
    "slashes between attributes": '<meta/http-equiv="refresh"/content="0;url=/x"/>',
    "nothing between attributes": '<meta http-equiv="refresh"content="0;url=/x">',
    "line feeds within": '<meta\nhttp-equiv\n=\n"refresh"\ncontent\n=\n"0;url=/x"\n>',
    "a > in a value": '<meta name=">" http-equiv="refresh" content="0;url=/x">',
    "a blank in the name": '<meta http-equiv=" refresh" content="0;url=/x">',
    "another name": '<meta name="refresh" content="0;url=/x">',
    "another element": '<link http-equiv="refresh" content="0;url=/x">',
    "metadata": '<metadata http-equiv="refresh" content="0;url=/x">',
    "no content": '<meta http-equiv="refresh">',
    "an empty content": '<meta http-equiv="refresh" content>',
    "content twice": '<meta http-equiv="refresh" content="0;url=/" content="0;url=/x">',
    "content twice, the first": '<meta http-equiv="refresh" content="0;url=/x" content="9">',
    "never closed": '<meta http-equiv="refresh" content="0;url=/x"',
    "a quote that never ends": '<meta http-equiv="refresh" content="0;url=/x><p>x',
    "a closing tag": '</meta http-equiv="refresh" content="0;url=/x">',
    "character references": '<meta http-equiv="&#114;efresh" content="0&#59;url=&#47;x">',
    "&amp; in the address": '<meta http-equiv="refresh" content="0;url=/x?a&amp;b">',
    "in a comment": f"<!-- {_META} -->",
    "in a comment that never ends": f"<!-- {_META}",
    "behind an empty comment": f"<!-->{_META}",
    "behind a short comment": f"<!--->{_META}",
    "behind --!>": f"<!-- x --!>{_META}",
    "behind a comment with ->": f"<!-- -> {_META} -->",
    "in <! >": '<!x <meta http-equiv="refresh" content="0;url=/x">',
    "in <? >": '<?x <meta http-equiv="refresh" content="0;url=/x">',
    "in CDATA": f"<![CDATA[ {_META} ]]>",
    "in a script": f"<script>var a = '{_META}'</script>",
    "in a script in capitals": f"<SCRIPT>var a = '{_META}'</Script >",
    "behind a script": f"<script>var a = '</scripts>'</script>{_META}",
    "in a script that never ends": f"<script>{_META}",
    "in a script of JSON": f'<script type="application/json">{_META}</script>',
    "in style": f"<style>{_META}</style>",
    "in title": f"<title>{_META}</title>",
    "in textarea": f"<textarea>{_META}</textarea>",
    "in noscript": f"<noscript>{_META}</noscript>",
    "in noscript, in body": f"<body><noscript>{_META}</noscript>",
    "behind noscript": f"<noscript>x</noscript>{_META}",
    "in iframe": f"<iframe>{_META}</iframe>",
    "in noembed": f"<noembed>{_META}</noembed>",
    "in noframes": f"<noframes>{_META}</noframes>",
    "in xmp": f"<xmp>{_META}</xmp>",
    "behind plaintext": f"<plaintext>{_META}",
    "in template": f"<template>{_META}</template>",
    "behind template": f"<template><p></template>{_META}",
    "in a template in a template": f"<template><template></template>{_META}</template>",
    "in an attribute": f"<p title='{_META}'>",
    "escaped": "&lt;meta http-equiv=refresh content='0;url=/x'&gt;",
    "in body": f"<body><div>{_META}</div>",
    "behind </html>": f"<html><body>x</body></html>{_META}",
    "behind 100 kB": f"<body>{'x' * 100_000}{_META}",
    "in a table": f"<table>{_META}</table>",
    "in pre": f"<pre>{_META}</pre>",
    "in svg": f"<svg>{_META}</svg>",
    "behind < alone": f"<body>a < b <3 {_META}",
    "behind a base": '<base href="/y/"><meta http-equiv="refresh" content="0;url=../x">',
    "in front of a base": '<meta http-equiv="refresh" content="0;url=z"><base href="/y/">',
    "behind a base elsewhere": f'<base href="http://127.0.0.1:1/">{_META}',
    "behind two bases": f'<base href="/"><base href="http://127.0.0.1:1/">{_META}',
    "a base without href": f'<base target="_top">{_META}',
    "two, the first later": f'<meta http-equiv="refresh" content="9;url=/">{_META}',
    "two, the second later": f'{_META}<meta http-equiv="refresh" content="9;url=/">',
    "two, the second fine": f'{_META}<meta http-equiv="refresh" content="0;url=/fine">',
    "two, the first fine": f'<meta http-equiv="refresh" content="0;url=/fine">{_META}',
    "two, one of them none": f'<meta http-equiv="refresh" content="x">{_META}',
    "of Next.js": '<meta id="__next-page-redirect" http-equiv="refresh" content="1;url=/x"/>',
}  # fmt: skip
_TYPES = (
    "text/html", "TEXT/HTML", "text/html; charset=utf-8", "text/html;charset=utf-16le",
    "application/xhtml+xml", "text/plain", "application/json", "text/xml", "image/svg+xml", "",
)  # fmt: skip


class RefreshRow(AskedRow, frozen=True):
    """``answers`` by path."""

    group: str
    name: str
    answers: Mapping[str, bytes]
    differs: str = ""

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return self.differs


def unasked_rows() -> Iterator[RefreshRow]:
    """The rows alone."""
    yield from _values()
    yield from _elements()
    yield from _documents()
    yield from _delays()
    yield from _chains()


def answer(body: str, *lines: str, status: int = 200, kind: str = "text/html") -> bytes:
    """A page with these headers."""
    given = body.encode("utf-16-le" if "utf-16" in kind else "utf-8")
    head = [f"HTTP/1.1 {status} S", *([f"Content-Type: {kind}"] if kind else []), *lines]
    head += [f"Content-Length: {len(given)}", "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1", "replace") + given


_FINE = answer("<p>fine")
_BROKEN = answer("<p>gone", status=404)


def _site(page: bytes, **others: bytes) -> dict[str, bytes]:
    more = {f"/{name}": each for name, each in others.items()}
    return {"/": page, "/fine": _FINE, **more, "*": _BROKEN}


def _values() -> Iterator[RefreshRow]:
    for value in _VALUES:
        page = answer("<p>shell", f"Refresh: {value}".replace("\u00a0", "\xa0"))
        yield RefreshRow("headers", f"Refresh: {value!r}", _site(page))
        text = value.replace('"', "&quot;")
        page = answer(f'<meta http-equiv="refresh" content="{text}"><p>shell')
        yield RefreshRow("elements", f"content={value!r}", _site(page))
    for name, lines in (
        ("two, the first fine", ("Refresh: 0;url=/fine", "Refresh: 0;url=/x")),
        ("two, the second fine", ("Refresh: 0;url=/x", "Refresh: 0;url=/fine")),
        ("two, the first of them none", ("Refresh: x", "Refresh: 0;url=/x")),
        ("in capitals", ("REFRESH: 0;url=/x",)),
    ):
        yield RefreshRow("headers", f"Refresh: {name}", _site(answer("<p>shell", *lines)))
    for words, header, meta in (
        ("the header fine", "/fine", "/x"),
        ("the element fine", "/x", "/fine"),
    ):
        page = answer(
            f'<meta http-equiv="refresh" content="0;url={meta}">', f"Refresh: 0;url={header}"
        )
        yield RefreshRow("headers", f"Refresh and an element, {words}", _site(page))


def _elements() -> Iterator[RefreshRow]:
    for name, text in _ELEMENTS.items():
        page = answer(f"<!doctype html><html><head>{text}")
        yield RefreshRow("elements", f"{name}", _site(page))


def _documents() -> Iterator[RefreshRow]:
    group = "documents"
    xhtml = f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{_META[:-1]}/></head></html>'
    for kind in _TYPES:
        body = xhtml if "x" in kind[:16].replace("text", "") else f"<html><head>{_META}"
        differs = _XML if kind in ("text/xml", "image/svg+xml") else ""
        page = answer(body, kind=kind)
        yield RefreshRow(group, f"an element in {kind!r}", _site(page), differs)
        page = answer("<p/>", "Refresh: 0;url=/x", kind=kind)
        yield RefreshRow(group, f"Refresh of {kind!r}", _site(page))
    for status in (201, 202, 400, 404, 429, 500, 503):
        page = answer(_META.replace("/x", "/fine"), status=status)
        # Only 200 is expected in these rows.
        yield RefreshRow(group, f"an element in a {status}", _site(page), differs=_STATUS)
    quoted = answer(f'<meta http-equiv="Content-Security-Policy" content="x">{_META}')
    yield RefreshRow(group, "a policy", _site(quoted))
    moved = answer("", "Location: /y", "Refresh: 0;url=/x", status=302)
    yield RefreshRow(group, "Refresh of a redirect", _site(moved, y=_FINE))
    yield RefreshRow(group, "behind a redirect", _site(moved, y=answer(_META)))


def _delays() -> Iterator[RefreshRow]:
    for seconds in ("0.5", "1", "2", "3", "5", "6", "8"):
        page = answer(f'<meta http-equiv="refresh" content="{seconds};url=/x">')
        differs = _LATER if float(seconds) > 5 else ""
        yield RefreshRow("delays", f"after {seconds} s", _site(page), differs)
        page = answer(f'<meta http-equiv="refresh" content="{seconds};url=/fine">')
        yield RefreshRow("delays", f"after {seconds} s, fine", _site(page))
    for seconds in ("1", "3", "30"):
        page = answer(f'<meta http-equiv="refresh" content="{seconds}">')
        yield RefreshRow("delays", f"itself every {seconds} s", _site(page))


def _chains() -> Iterator[RefreshRow]:
    group = "chains"
    for count in (2, 5, 9):
        pages = {f"{at}": _to(f"/{at + 1}") for at in range(1, count)}
        for words, end in (("fine", _FINE), ("broken", _BROKEN)):
            site = _site(_to("/1"), **pages, **{f"{count}": end})
            yield RefreshRow(group, f"{count} in a row, {words}", site)
    yield RefreshRow(group, "itself at once", _site(_to("/")))
    yield RefreshRow(group, "itself at once, without an address", _site(answer(_meta("0"))))
    yield RefreshRow(group, "two in a circle", _site(_to("/1"), **{"1": _to("/")}))
    another = _to("/?1", "Set-Cookie: k=v")
    site = {**_site(another), f"/{WITH_COOKIE}": _FINE, f"/?1{WITH_COOKIE}": _FINE}
    yield RefreshRow(group, "elsewhere with a cookie", site)
    site = {**_site(_to("/", "Set-Cookie: k=v")), f"/{WITH_COOKIE}": _FINE}
    yield RefreshRow(group, "itself with a cookie", site)
    site = {**_site(_to("/", "Set-Cookie: k=v")), f"/{WITH_COOKIE}": _BROKEN}
    yield RefreshRow(group, "itself with a cookie, broken", site)
    leads = answer("", "Location: /fine", status=302)
    yield RefreshRow(group, "a redirect behind it", _site(_to("/r"), r=leads))
    leads = answer("", "Location: /x", status=302)
    yield RefreshRow(group, "a redirect behind it, broken", _site(_to("/r"), r=leads))
    leads = answer("", "Location: /r", status=302)
    yield RefreshRow(group, "a circle of redirects behind it", _site(_to("/r"), r=leads))
    yield RefreshRow(group, "the whole address", _site(_to("<SELF>/x")))


def _meta(content: str) -> str:
    return f'<meta http-equiv="refresh" content="{content}">'


def _to(address: str, *lines: str) -> bytes:
    # Where it is known in the end, the length of the page is another one.
    body = _meta(f"0;url={address}")
    head = ["HTTP/1.1 200 S", "Content-Type: text/html", *lines, "Connection: close", "", ""]
    return "\r\n".join(head).encode() + body.encode()
