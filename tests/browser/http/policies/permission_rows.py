"""Permissions-Policy and Feature-Policy, as they are written."""

from collections.abc import Iterator

from tests.browser.http.policies.case import PAGE, PolicyRow

_GROUP, _OLD = "Permissions-Policy", "Feature-Policy"
_VALUES = (
    "camera=()", "microphone=()", "camera=(), microphone=()", "camera=(self)", "camera=self",
    "camera=*", "camera=(*)", "camera=(self), microphone=(self)", "camera=*, microphone=*",
    "geolocation=()", "camera=(self), microphone=()", "camera=(self), geolocation=()",
    "display-capture=()", "autoplay=()", "interest-cohort=()", "unknown-feature=()",
    'camera=("https://other.test")', 'camera=(self "https://other.test")',
    f'camera=("{PAGE}")', f'camera="{PAGE}"', f'camera=("{PAGE}/")', f'camera=("{PAGE}:443")',
    f'camera=("{PAGE}:8443")', f'camera=("{PAGE}/start")', 'camera=("http://page.shop.test")',
    'camera=("https://shop.test")', 'camera=("https://*.shop.test")', 'camera=("*.shop.test")',
    'camera=("https://*.test")', 'camera=("https://*.page.shop.test")',
    'camera=("http://*.shop.test")', 'camera=("https://*")', 'camera=("https://*.shop.test:8443")',
    'camera=("https://*.shop.test:*")', 'camera=("https://PAGE.shop.test")',
    'camera=("page.shop.test")', 'camera=("*")', 'camera=("self")', 'camera=("\'self\'")',
    'camera=("none")', 'camera=("")', 'camera=(")', 'camera="', "camera=(none)", "camera=none",
    "camera=('self')", "camera='none'", "camera 'none'", "camera=", "camera", "camera=?0",
    "camera=?1", "camera=0", "camera=1.5", "camera=:YQ==:", "camera=(src)", "camera=src",
    "camera=(self self)", "camera=(self *)", "camera=(self none)", "camera=(self 'none')",
    "camera=(none self)", "camera=(self,)", "camera=(self", "camera=self)", "camera=(self))",
    "camera = ()", "camera =()", "camera= ()", " camera=()", "camera=() ", "camera=( )",
    "camera=(  self  )", "camera=(\tself)", "Camera=()", "CAMERA=()", "camera=();x",
    "camera=();x=1", "camera=(self;x)", "camera=(self);x=1", "camera=();report-to=default",
    "camera=(); microphone=()", "camera=();microphone=()", "camera=(),microphone=(self)",
    "camera=() , microphone=(self)", "camera=()\t,\tgeolocation=()", "camera=(),", ",camera=()",
    "camera=(),,geolocation=()", "camera=() geolocation=()", "camera=(), camera=(self)",
    "camera=(self), camera=()", "camera=*, camera=()", "camera=(), 1x=()", "camera=(), x",
    "camera=(), geolocation=(self", 'camera=(), geolocation=("https://a',
    "camera=(), geolocation='self'", "camera=(), geolocation=self https://a.test",
    "camera=(), geolocation=\u00e4", "", "*", "*=()", "camera=(self)(self)", "camera=(self\"x\")",
    "camera=(1 self)", "camera=(?1)", "camera=(\"a\\\"b\" self)", "camera=SELF", "camera=(Self)",
    "camera=(*.shop.test)", "camera=(https://page.shop.test)", "camera=https://page.shop.test",
    "camera=(self), microphone=(self), fullscreen=*, payment=()", "all=()", "camera=@1",
)  # fmt: skip
_OLD_VALUES = (
    "camera 'none'", "camera 'self'", "camera *", "camera", "microphone 'none'", "CAMERA 'none'",
    "camera 'NONE'", "camera none", "camera self", "camera 'none' 'self'", "camera 'self' 'none'",
    "camera 'src'", f"camera {PAGE}", "camera https://other.test", "camera 'self' https://o.test",
    "camera 'none'; microphone 'self'", "camera 'none', camera 'self'",
    "camera 'self', camera 'none'",
    "camera 'none';camera 'self'", "geolocation 'none'", "camera=()", ";camera 'none'",
    "camera\t'none'",
    "camera http://*.test", "camera https://*.shop.test", "camera ()",
)  # fmt: skip


def rows() -> Iterator[PolicyRow]:
    """By both headers, alone, repeated and together."""
    for value in _VALUES:
        yield PolicyRow(_GROUP, f"{_GROUP}: {value!r}", [f"{_GROUP}: {value}"])
    for value in _OLD_VALUES:
        yield PolicyRow(_OLD, f"{_OLD}: {value!r}", [f"{_OLD}: {value}"])
    for name, new in (
        ("two lines, one of them blocks", ("camera=()", "geolocation=()")),
        ("two lines, the last blocks", ("geolocation=()", "camera=()")),
        ("two lines, the last allows", ("camera=()", "camera=(self)")),
        ("two lines, the first allows", ("camera=(self)", "camera=()")),
        ("two lines, one of them none", ("camera=()", "camera 'none'")),
        ("two lines, one of them empty", ("camera=()", "")),
        ("two lines, the first of them empty", ("", "camera=()")),
        ("two lines, the first without its end", ("camera=(self", ")")),
    ):
        yield PolicyRow(_GROUP, f"{_GROUP}: {name}", [f"{_GROUP}: {each}" for each in new])
    for new_value, old_value in (
        ("camera=()", "camera 'self'"),
        ("camera=(self)", "camera 'none'"),
        ("geolocation=()", "camera 'none'"),
        ("camera 'self'", "camera 'none'"),
        ("camera=()", "geolocation 'none'"),
        ("microphone=(self)", "camera *; microphone 'none'"),
    ):
        lines = [f"{_GROUP}: {new_value}", f"{_OLD}: {old_value}"]
        yield PolicyRow(_OLD, f"{new_value!r} and of old {old_value!r}", lines)
    yield from _elsewhere()


def _elsewhere() -> Iterator[PolicyRow]:
    for header in (f"{_GROUP}-Report-Only", f"X-{_GROUP}", "Document-Policy", "permissions_policy"):
        yield PolicyRow(_GROUP, f"{header}: camera=()", [f"{header}: camera=()"])
    yield PolicyRow(_GROUP, "in capitals", ["PERMISSIONS-POLICY: camera=()"])
    element = f'<meta http-equiv="{_GROUP}" content="camera=()">'
    yield PolicyRow(_GROUP, "an element", head=element)
    element = f'<meta http-equiv="{_OLD}" content="camera \'none\'">'
    yield PolicyRow(_OLD, "an element of old", head=element)
    here = "http://127.0.0.1:<PLAIN>/"
    for name, value in (("forbidden", "camera=()"), ("allowed", "camera=(self)")):
        lines = [f"{_GROUP}: {value}"]
        yield PolicyRow(_GROUP, f"{name} on this machine", lines, url=here)
    yield PolicyRow(
        _GROUP, "another port is meant", ['Permissions-Policy: camera=("https://page.shop.test")'],
        url=f"{PAGE}:8443/",
    )  # fmt: skip
