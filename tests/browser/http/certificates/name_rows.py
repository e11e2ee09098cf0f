"""Rows of names: what a certificate says whose it is, and what is asked for."""

from collections.abc import Iterator, Sequence

from tests.browser.http.certificates.case import INTERMEDIATE, CertificateRow, sent
from tests.browser.http.certificates.issuing import HOST, Spec

_GROUP = "names of certificates"
_BEYOND = "xn--bcher-kva.shop.test"
_NAMES: Sequence[tuple[str, Sequence[str]]] = (
    (HOST, (HOST,)),
    (HOST, ("A.SHOP.TEST",)),
    (HOST, ("*.shop.test",)),
    (HOST, ("*.SHOP.test",)),
    (HOST, ("*.test",)),
    (HOST, ("*",)),
    (HOST, ("*.*.test",)),
    (HOST, ("a.*.test",)),
    (HOST, ("a.shop.*",)),
    (HOST, ("*a.shop.test",)),
    (HOST, ("a*.shop.test",)),
    (HOST, ("**.shop.test",)),
    (HOST, (".shop.test",)),
    (HOST, ("shop.test",)),
    (HOST, ("a.shop.test.",)),
    (HOST, ("*.shop.test.",)),
    (HOST, ("b.shop.test", HOST)),
    (HOST, ("b.shop.test",)),
    (HOST, ("b.shop.test", "a b.shop.test", HOST)),
    (HOST, ("a_b.shop.test", HOST)),
    (HOST, ("ip:127.0.0.1",)),
    (HOST, ("mail:x@a.shop.test",)),
    (HOST, ("mail:x@y.test", HOST)),
    (HOST, ("uri:https://a.shop.test/",)),
    (HOST, ("uri:https://y.test/", HOST)),
    (HOST, ("dir:a.shop.test", HOST)),
    (HOST, ("https://a.shop.test",)),
    (HOST, ("a.shop.test:443",)),
    (HOST, ("", HOST)),
    (HOST, (f"{'a' * 64}.test", HOST)),
    (HOST, (*(f"b{at}.shop.test" for at in range(500)), HOST)),
    ("shop.test", ("*.shop.test",)),
    ("shop.test", ("shop.test", "*.shop.test")),
    ("a.b.shop.test", ("*.shop.test",)),
    ("a.b.shop.test", ("*.b.shop.test",)),
    ("a.b.shop.test", ("*.*.shop.test",)),
    ("a_b.shop.test", ("*.shop.test",)),
    ("a_b.shop.test", ("a_b.shop.test",)),
    (_BEYOND, (_BEYOND,)),
    (_BEYOND, ("*.shop.test",)),
    (_BEYOND, ("xn--*.shop.test",)),
    (_BEYOND, ("xn--bcher-*.shop.test",)),
    (_BEYOND, ("XN--BCHER-KVA.shop.test",)),
    ("a.shop.test.", (HOST,)),
    ("a.shop.test.", ("*.shop.test",)),
    ("a.shop.test.", ("a.shop.test.",)),
    ("127.0.0.1", ("ip:127.0.0.1",)),
    ("127.0.0.1", ("127.0.0.1",)),
    ("127.0.0.1", ("*.0.0.1",)),
    ("127.0.0.1", ("ip:127.0.0.2",)),
    ("127.0.0.1", ("ip:::ffff:127.0.0.1",)),
    ("127.0.0.1", ("localhost",)),
    ("127.0.0.1", ("ip:127.0.0.1", "x.test")),
    ("localhost", ("localhost",)),
    ("localhost", ("ip:127.0.0.1",)),
    ("localhost", ("*",)),
    ("x.localhost", ("*.localhost",)),
    ("x.localhost", ("localhost",)),
    ("x.y.localhost", ("*.y.localhost",)),
)


def names() -> Iterator[CertificateRow]:
    """The rows alone."""
    for host, given in _NAMES:
        shown = ", ".join(given) if len(given) < 9 else f"{len(given)} names"
        yield sent(f"{host}: {shown[:80]}", _GROUP, INTERMEDIATE, Spec(names=given), host=host)
    for name, leaf in (
        ("the common name alone", Spec(HOST, names=None)),
        ("the common name, and another alternative name", Spec(HOST, names=("b.shop.test",))),
        ("the common name, and an address", Spec(HOST, names=("ip:127.0.0.1",))),
        ("the common name, and no alternative name in the list", Spec(HOST, names=())),
        ("no subject, names critical", Spec("", critical_names=True)),
        ("no subject", Spec("")),
        ("a subject, names critical", Spec(critical_names=True)),
        ("a common name of 64 letters", Spec("a" * 64)),
    ):
        yield sent(name, _GROUP, INTERMEDIATE, leaf)
    only = Spec("127.0.0.1", names=None)
    yield sent("an address as the common name alone", _GROUP, INTERMEDIATE, only, host="127.0.0.1")
