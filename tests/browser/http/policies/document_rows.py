"""What is shown as a page, and what has no camera: types, downloads, plain HTTP, mixed content."""

from collections.abc import Iterator

from tests.browser.http.policies.case import API, PAGE, POLLING, SOCKET, WEBSOCKET, PolicyRow

_TYPES = (
    "text/html", "TEXT/HTML", "text/html; charset=utf-8", "text/html;", "text/html ; x",
    " text/html",
    "text/html, text/plain", "text/plain, text/html", "text/html; charset=x, text/plain",
    "text/plain", "text/plain; charset=utf-8", "TEXT/PLAIN", "application/octet-stream",
    "binary/octet-stream", "application/json", "application/json; charset=utf-8", "text/css",
    "text/javascript", "application/javascript", "text/markdown", "text/csv", "text/x-html",
    "text/*",
    "image/png", "image/svg+xml", "application/pdf", "application/zip", "application/x-gzip",
    "font/woff2", "video/mp4", "application/wasm", "application/manifest+json", "text/vcard",
    "multipart/mixed", "multipart/x-mixed-replace; boundary=x", "unknown/unknown",
    "application/unknown", "*/*", "html", "text", "/", "text/", "/html", "text/html/x", "text html",
    "text/html text/plain", ";", "null", "undefined", "application/x-unknown", "x/y", "x-y",
    "text/html\u00e4", "text/html charset=utf-8", "text/html,", ",text/html", "text/html, */*",
    "text/plain, */*", "text/plain, x", "text/html, x", "text/html, application/json",
    "application/json, text/html", "text/ html", "text/html (x)", "\"text/html\"",
)  # fmt: skip
_XML = "no application has its pages as XML by mistake"
_DISPOSITIONS = (
    "attachment", "ATTACHMENT", 'attachment; filename="index.html"', "attachment;", " attachment ",
    "inline", 'inline; filename="index.html"', "", "filename=index.html", "form-data", "x",
    "attach",
    "attachment=1", "attachment x", ";attachment", "attachment, inline", "inline; attachment",
    "inline, attachment", '"attachment"', "attachment\tx", "attachment;inline",
)  # fmt: skip
_XHTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
    '<body data-connect="[]"><script src="/app.js"></script></body></html>'
)
_MIXED, _INSECURE, _TYPE = "mixed content", "not by TLS", "types"


def rows() -> Iterator[PolicyRow]:
    """All of them."""
    nosniff = "X-Content-Type-Options: nosniff"
    for kind in (*_TYPES, "", None):
        differs = _XML if kind == "image/svg+xml" else ""
        name = f"Content-Type: {kind!r}"
        yield PolicyRow(_TYPE, name, kind=kind, differs=differs)
        yield PolicyRow(_TYPE, f"{name}, nosniff", [nosniff], kind=kind, differs=differs)
    for kind in ("application/xhtml+xml", "text/xml", "application/xml", "application/x+xml"):
        yield PolicyRow(_TYPE, f"XHTML as {kind}", kind=kind, document=_XHTML)
    for value in ("NOSNIFF", "nosniff, x", "x, nosniff", "none", "nosniff;", '"nosniff"'):
        lines = [f"X-Content-Type-Options: {value}"]
        yield PolicyRow(_TYPE, f"no type, {value!r}", lines, kind=None)
    for first, second in (("text/html", "text/plain"), ("text/plain", "text/html")):
        lines = [f"Content-Type: {second}"]
        yield PolicyRow(_TYPE, f"two types, {first} and {second}", lines, kind=first)
    for value in _DISPOSITIONS:
        lines = [f"Content-Disposition: {value}"]
        yield PolicyRow("downloads", f"Content-Disposition: {value!r}", lines)
    yield from _insecure()
    yield from _mixed()


def _insecure() -> Iterator[PolicyRow]:
    for name, url in (
        ("a name", "http://plain.example.com/"),
        ("a name at another port", "http://page.example.com:8080/"),
        ("a name that has TLS too", "http://page.example.com/"),
        ("127.0.0.1", "http://127.0.0.1:<PLAIN>/"),
        ("localhost", "http://localhost:<PLAIN>/"),
        ("a name below localhost", "http://app.localhost:<PLAIN>/"),
        ("127.1.2.3", "http://127.1.2.3:<PLAIN>/"),
    ):
        yield PolicyRow(_INSECURE, f"{name} by http:", url=url)
    yield PolicyRow(_INSECURE, "a name by https:", url=f"{PAGE}/")
    yield PolicyRow(_INSECURE, "a name by https: at another port", url=f"{PAGE}:8443/")


def _mixed() -> Iterator[PolicyRow]:
    upgrade = "Content-Security-Policy: upgrade-insecure-requests"
    element = '<meta http-equiv="Content-Security-Policy" content="upgrade-insecure-requests">'
    block = "Content-Security-Policy: block-all-mixed-content"
    plain = API.replace("https", "http"), SOCKET.replace("wss", "ws")
    here = "http://127.0.0.1:<PLAIN>/"
    for address in (
        POLLING, WEBSOCKET, *(f"{each}/socket.io/" for each in plain),
        *(f"{each}:8080/socket.io/" for each in plain), "http://page.shop.test/socket.io/",
        "http://127.0.0.1:<PLAIN>/x", "http://localhost:<PLAIN>/x", "ws://localhost:<PLAIN>/x",
        "http://app.localhost:<PLAIN>/x", "ws://127.0.0.1:<PLAIN>/x",
    ):  # fmt: skip
        yield PolicyRow(_MIXED, f"{address} of a page by TLS", connects=[address])
        yield PolicyRow(_MIXED, f"{address}, {block}", [block], connects=[address])
        yield PolicyRow(_MIXED, f"{address} of a page here", connects=[address], url=here)
        if ":8080" in address:
            continue  # by TLS nothing answers there
        yield PolicyRow(_MIXED, f"{address}, {upgrade}", [upgrade], connects=[address])
        yield PolicyRow(_MIXED, f"{address}, an element", head=element, connects=[address])
