"""Content-Security-Policy, in headers and elements: connections, scripts, sandboxes."""

from collections.abc import Iterator, Sequence

from tests.browser.http.policies.case import API, PAGE, POLLING, WEBSOCKET, PolicyRow

_POLICY = "Content-Security-Policy"
_CONNECT, _ELEMENT, _SCRIPT, _SANDBOX = "connections", "elements", "scripts", "sandboxes"
# Scripts of the page's own run in all of these.
_ONE = (
    "'self'", "'none'", "*", "https:", "http:", "wss:", "ws:", "https: wss:", "data: blob:", "",
    API, f"{API}/", f"{API} 'none'", f"'none' {API}", f"'self' {API}", "'self' wss://api.shop.test",
    "wss://api.shop.test", "http://api.shop.test", "ws://api.shop.test", "api.shop.test",
    "*.shop.test", "https://*.shop.test", "*.test", "*.api.shop.test", "shop.test",
    "page.shop.test",
    "API.SHOP.TEST", "HTTPS://api.shop.test", "HTTPS:", "'SELF'", "'NONE'", "'Self' *",
    f"{API}:443", f"{API}:*", f"{API}:80", f"{API}:8443", "http://api.shop.test:80",
    "http://api.shop.test:443", "http://api.shop.test:8080", "api.shop.test:443",
    "api.shop.test:80",
    "api.shop.test:*", "*:*", "*:443", "*:80", "*:8443", "https://*", "https://*:443", "http://*",
    "https://*:*", "wss://*", "//api.shop.test", "://api.shop.test", "https://", "https", "*.",
    f"{API}/socket.io/", f"{API}/socket.io", f"{API}/socket.io/x", f"{API}/socket", f"{API}/auth/",
    f"{API}/SOCKET.IO/", f"{API}/socket%2eio/", f"{API}/socket.io/?x=1", f"{API}/#x", f"{API}?x",
    f"{API}//socket.io/", "api.shop.test/socket.io/", "api.shop.test/", "*/socket.io/",
    "api.shop.test.",
    "'self';", "*;", "'unsafe-inline'", "'nonce-x'", "'report-sample'", "'report-sample' *", "self",
    "none", "'none", "x", "127.0.0.1", "[::1]", "https://user@api.shop.test", "api_shop.test *",
    "'*'", '"*"', f'"{API}"', f"'{API}'", f"<{API}>", f"{API}\u00e4", f"\u00e4 {API}",
    f"{API} x:y:z",
    f"{API}:x", f"{API}:", f"{API}:0443", "https:api.shop.test", "https:/api.shop.test", "a.*.test",
    "*api.shop.test", "api.*", "**", "*.*", "mailto: *", "filesystem:", f"\t{API}\t", f"\f{API}",
    f"x {API}", f"{API} {API}", f"{API}|x", "${BACKEND_URL}", "undefined", "null", "*, x",
)  # fmt: skip
_DIRECTIVES = (
    "connect-src 'none'; connect-src *", "connect-src *; connect-src 'none'",
    "CONNECT-SRC 'none'", "Connect-Src 'none'", "connect-src='none'", "connect-src: 'none'",
    "connect-src\t'none'", "connect-src  'none'", ";;connect-src 'none';;", " connect-src 'none'",
    "connect-src 'none'\t", "connect_src 'none'", "connect-source 'none'", "x; connect-src 'none'",
    "x y z; connect-src 'none'", "connect-src 'none' ; script-src *", "connect-src",
    "connect-src;", "xhr-src 'none'", "default-src 'self'", "default-src 'self'; connect-src *",
    "default-src *; connect-src 'none'", f"default-src 'self' {API}", "default-src https:",
    "default-src 'self'; connect-src", "default-src 'self'; connect-src;", "default-src *",
    "default-src 'self'; script-src *", "default-src 'self'; default-src *",
    "default-src *; default-src 'self'", "child-src 'none'", "img-src 'none'", "media-src 'none'",
    "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "object-src 'none'",
    "worker-src 'none'", "report-uri /x", "require-trusted-types-for 'script'",
    "prefetch-src 'none'",
    "connect-src *, connect-src 'none'", "connect-src 'none', connect-src *",
    "connect-src *, connect-src https:", "connect-src https:, connect-src 'self'",
    ",connect-src 'none'",
    "connect-src 'none',", "default-src 'self', connect-src *",
    "connect-src * , default-src 'self'",
    "connect-src 'none' \u00e4", "connect-src 'self' \u00e4; default-src *",
    "\u00e4; connect-src 'none'",
    "connect-src \u00e4; default-src 'self'", "fenced-frame-src 'none'", "manifest-src 'none'",
    "webrtc 'block'", "webrtc 'allow'", "webrtc block", "webrtc", "webrtc 'none'",
    "navigate-to 'none'",
    "plugin-types x", "block-all-mixed-content", "upgrade-insecure-requests", "style-src 'none'",
    "connect-src 'none'\x0b", "connect-src\x0b'none'", "connect-src\x0c'none'",
)  # fmt: skip
_SCRIPTS = (
    "script-src 'self'", "script-src 'none'", "script-src", "script-src *", "default-src 'none'",
    "default-src", "default-src 'none'; connect-src *", "default-src 'none'; script-src 'self'",
    "default-src 'none'; script-src-elem 'self'", "script-src-elem 'none'",
    "script-src-attr 'none'",
    "script-src 'none'; script-src-elem 'self'", "script-src 'self'; script-src-elem 'none'",
    "script-src 'none'; script-src 'self'", "script-src 'self', script-src 'none'",
    "script-src 'none' 'self'", "script-src 'none' x", "SCRIPT-SRC 'NONE'",
    "script-src 'self' 'none'",
    "script-src 'self', script-src *", "default-src 'none'; script-src *; connect-src *",
    "script-src 'report-sample'", "script-src-elem", "default-src 'self'; script-src-elem 'none'",
)  # fmt: skip
_OTHER_SCRIPTS = ("'nonce-x'", "'unsafe-inline'", "'strict-dynamic'", "'unsafe-eval'", "https://cdn.test",
                  "'sha256-x'", "self", "x", "data:", "blob:")  # fmt: skip
_BEYOND = "which of a page's scripts run is not judged, only whether any may"
_FLAGS = (
    "", "allow-scripts", "allow-same-origin", "allow-scripts allow-same-origin",
    "ALLOW-SCRIPTS allow-same-origin", "allow-forms", "allow-scripts allow-forms", "x", "'none'",
    "allow-scripts; sandbox", "allow-same-origin allow-scripts allow-popups allow-modals",
)  # fmt: skip
_PAGES = {
    "in the head": "<html><head>{}",
    "in front of the doctype": "{}<!doctype html>",
    "behind other elements": '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<link rel="icon" href="data:,"><style>a{color:red}</style><base href="/"><script>1</script>{}',
    "without a head": "<!doctype html><title>x</title>{}",
    "behind a comment": "<!doctype html><!-- x --><head><!-- <p> -->{}",
    "in a comment": "<head><!-- {} -->",
    "behind the head": "<head></head>{}",
    "behind the head and blanks": "<head></head>\n{}",
    "in the body": "<head></head><body>{}",
    "behind text": "<head>x{}",
    "behind a text without a head": "x{}",
    "behind a no-break space": "<head>&nbsp;{}",
    "behind a paragraph": "<head><p>{}",
    "behind a closing tag": "<head></p>{}",
    "behind </br>": "<head></br>{}",
    "behind </body>": "<head></body>{}",
    "behind </html>": "<head></html>{}",
    "behind a second head": "<head><head>{}",
    "behind a second html": "<head><html>{}",
    "behind an image": "<head><img>{}",
    "behind a custom element": "<head><x-y></x-y>{}",
    "in noscript": "<head><noscript>{}</noscript>",
    "behind noscript": "<head><noscript>x</noscript>{}",
    "behind noscript behind the head": "<head></head><noscript></noscript>{}",
    "in a template": "<head><template>{}</template>",
    "behind a template": "<head><template><p>x</template>{}",
    "in a script": "<head><script>var x = `{}`</script>",
    "in a title": "<head><title>{}</title>",
    "behind a script": "<head><script>var x = '<body>'</script>{}",
    "behind < alone": "<head> < {}",
    "behind an instruction": "<?xml version='1.0'?><head>{}",
    "behind object": "<head><object></object>{}",
    "behind svg": "<head><svg></svg>{}",
    "behind a link of style": '<head><link rel="preload" href="/x" as="fetch">{}',
    "in an attribute": "<head><meta name='x' content='{}'>",
}
_TAGS = (
    '<meta http-equiv="Content-Security-Policy" content="connect-src {}">',
    "<meta http-equiv=content-security-policy content=\"connect-src {}\">",
    '<META HTTP-EQUIV="CONTENT-SECURITY-POLICY" CONTENT="connect-src {}">',
    '<meta content="connect-src {}" http-equiv="Content-Security-Policy"/>',
    '<meta http-equiv=" Content-Security-Policy" content="connect-src {}">',
    '<meta name="Content-Security-Policy" content="connect-src {}">',
    '<meta http-equiv="Content-Security-Policy-Report-Only" content="connect-src {}">',
    '<meta http-equiv="X-Content-Security-Policy" content="connect-src {}">',
    '<meta http-equiv="Content-Security-Policy" content="connect-src&#32;{}">',
    '<meta http-equiv="Content-Security-Policy" content="img-src *" content="connect-src {}">',
    '<meta http-equiv="Content-Security-Policy" content="&#105;mg-src *; connect-src {}">',
    '<meta http-equiv="Content-Security-Policy">',
    '<meta http-equiv="Content-Security-Policy" content="">',
    '<meta http-equiv="Content-Security-Policy" content="\n  connect-src\n  {};\n">',
)  # fmt: skip


def rows() -> Iterator[PolicyRow]:
    """All of them."""
    for value in _ONE:
        for address in (POLLING, WEBSOCKET):
            yield _row(_CONNECT, f"connect-src {value}", address)
    for address in (f"{PAGE}/socket.io/", "wss://page.shop.test/socket.io/"):
        for value in ("'self'", "*", "https:", API, "page.shop.test", "'none'", "wss:"):
            yield _row(_CONNECT, f"connect-src {value}", address)
    for value in ("'self'", f"{API}:8443", "api.shop.test:8443", API, "*", "*:*", "https:",
                  "http://api.shop.test:8443", f"{API}:*"):  # fmt: skip
        yield _row(_CONNECT, f"connect-src {value}", f"{API}:8443/socket.io/")
    for value in _DIRECTIVES:
        yield _row(_CONNECT, value, POLLING)
    yield from _repeated()
    yield from _elements()
    yield from _scripts()
    yield from _here()


def _row(group: str, policy: str, address: str = "", differs: str = "") -> PolicyRow:
    name = f"{policy!r} for {address}" if address else f"{policy!r}"
    connects = [address] if address else []
    return PolicyRow(group, name, [f"{_POLICY}: {policy}"], connects=connects, differs=differs)


def _repeated() -> Iterator[PolicyRow]:
    for name, lines in (
        ("two lines, the first blocks", ("connect-src 'none'", "connect-src *")),
        ("two lines, the second blocks", ("connect-src *", "connect-src 'none'")),
        ("two lines, none blocks", ("connect-src https:", f"connect-src {API}")),
        ("two lines, each allows another", (f"connect-src {API}", "connect-src 'self'")),
        ("two lines, one empty", ("", "connect-src 'none'")),
    ):
        given = [f"{_POLICY}: {each}" for each in lines]
        yield PolicyRow(_CONNECT, name, given, connects=[POLLING])
    for header in (
        f"{_POLICY}-Report-Only",
        f"X-{_POLICY}",
        "X-WebKit-CSP",
        "CONTENT-SECURITY-POLICY",
    ):
        text = f"{header}: connect-src 'none'"
        yield PolicyRow(_CONNECT, text, [text], connects=[POLLING])
    reporting = [f"{_POLICY}-Report-Only: connect-src 'none'", f"{_POLICY}: connect-src *"]
    yield PolicyRow(_CONNECT, "one that reports beside one", reporting, connects=[POLLING])


def _elements() -> Iterator[PolicyRow]:
    for at, tag in enumerate(_TAGS):
        for value in ("'none'", "https:") if "{}" in tag else ("",):
            head = tag.replace("{}", value)
            yield PolicyRow(_ELEMENT, f"{at}: {head!r}", head=head, connects=[POLLING])
    tag = _TAGS[0].replace("{}", "'none'")
    body = f'<body data-connect=\'["{POLLING}"]\'><script src="/app.js"></script>'
    for name, start in _PAGES.items():
        document = start.replace("{}", tag) + body
        yield PolicyRow(_ELEMENT, name, document=document, connects=[POLLING])
    for header in ("connect-src *", "connect-src 'none'"):
        for value in ("*", "'none'"):
            head = _TAGS[0].replace("{}", value)
            yield PolicyRow(_ELEMENT, f"{header} and an element of {value}",
                            [f"{_POLICY}: {header}"], head, [POLLING])  # fmt: skip
    two = _TAGS[0].replace("{}", "*") + tag
    yield PolicyRow(_ELEMENT, "two elements", head=two, connects=[POLLING])
    long = _TAGS[0].replace("{}", f"{'https://a.test ' * 600}{API}")
    yield PolicyRow(_ELEMENT, "a long one that allows", head=long, connects=[POLLING])
    yield PolicyRow(_ELEMENT, "a long one", head=long, connects=["https://other.test/"])
    kind = "text/html; charset=utf-16le"
    yield PolicyRow(_ELEMENT, f"in {kind}", head=tag, connects=[POLLING], kind=kind)


def _scripts() -> Iterator[PolicyRow]:
    for value in _SCRIPTS:
        differs = _BEYOND if value.endswith(" x") else ""
        yield _row(_SCRIPT, value, differs=differs)
        head = f'<meta http-equiv="{_POLICY}" content="{value}">'
        yield PolicyRow(_SCRIPT, f"an element of {value!r}", head=head, differs=differs)
    for value in _OTHER_SCRIPTS:
        yield _row(_SCRIPT, f"script-src {value}", differs=_BEYOND)
    for value in _FLAGS:
        yield _row(_SANDBOX, f"sandbox {value}")
        head = f'<meta http-equiv="{_POLICY}" content="sandbox {value}">'
        yield PolicyRow(_SANDBOX, f"an element of sandbox {value!r}", head=head)


def _here() -> Iterator[PolicyRow]:
    here, other = "http://127.0.0.1:<PLAIN>/", "http://localhost:<PLAIN>/"
    values: Sequence[str] = ("'self'", "http:", "https:", "*", "ws:", API, "http://api.shop.test",
                             "api.shop.test", "'none'", "wss:", "ws://api.shop.test")  # fmt: skip
    plain = (POLLING, WEBSOCKET, POLLING.replace("https", "http"), WEBSOCKET.replace("wss", "ws"))
    for value in values:
        for address in plain:
            name = f"connect-src {value} for {address} of a page here"
            lines = [f"{_POLICY}: connect-src {value}"]
            yield PolicyRow(_CONNECT, name, lines, connects=[address], url=here)
    lines = [f"{_POLICY}: connect-src 'self'"]
    yield PolicyRow(
        _CONNECT, "the API of a page at localhost", lines, connects=[POLLING], url=other
    )
