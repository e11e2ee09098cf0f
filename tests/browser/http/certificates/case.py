"""One server with its certificates."""

from collections.abc import Callable, Sequence
from functools import cache

from tests.browser.http.asking import AskedRow
from tests.browser.http.certificates.issuing import HOST, Issued, Spec, issue, root

Chain = list[Issued]
Making = Callable[[], Chain]
DAY = 86400.0
INTERMEDIATE = root("intermediate", ends=900 * DAY, path=None)
_PURPOSE = (
    "OpenSSL, which curl and Node are built on, does not know anyExtendedKeyUsage for servers"
)
_LIMITS = "OpenSSL does not look at what a wildcard may stand for, nor at a name's last dot"
_POLICIES = "OpenSSL holds no chain against policy constraints, and Python can't ask it to"
WHY = {
    **{
        f"its {whose} purposes: {purposes}{critical}": _PURPOSE
        for whose in ("own", "issuer's")
        for purposes in ("any", "any and client")
        for critical in ("", ", critical")
    },
    "only shop.test.": _LIMITS,
    "only shop.test., of a wildcard": _LIMITS,
    "only shop.test., not critical": _LIMITS,
    "never a.shop.test, of a wildcard": _LIMITS,
    "only shop.test never a.shop.test, of a wildcard": _LIMITS,
    "only shop.test never b.shop.test, of a wildcard": _LIMITS,
    **{
        f"its {whose} has policy constraints{critical}": _POLICIES
        for whose in ("own", "issuer's")
        for critical in ("", ", critical")
    },
    "another authority key identifier": "OpenSSL finds no issuer with another one",
}


class CertificateRow(AskedRow, frozen=True):
    """``make`` issues what the server sends, its own certificate first."""

    group: str
    name: str
    make: Making
    host: str = HOST

    @property
    def why(self) -> str:
        """Why the check differs, where it does."""
        return WHY.get(self.name, "")


ROOTS: dict[str, Spec] = {
    "root": root(),
    "short root": root("short root", path=0),
    "old root": root("old root", ends=-DAY),
    "future root": root("future root", begins=DAY),
    "sha1 root": root("sha1 root", hash="sha1", key="rsa-2048"),
    "rsa root": root("rsa root", key="rsa-2048"),
    "p-521 root": root("p-521 root", key="p-521"),
    "small root": root("small root", key="rsa-1024"),
    "plain root": root("plain root", usage=None, ca=True),
    "root without basics": root("root without basics", ca=None),
    "root of clients": root("root of clients", purposes=("client",)),
}


@cache
def authority(name: str) -> Issued:
    """One of the roots that the browser knows."""
    return issue(ROOTS[name])


def under(*specs: Spec, of: str = "root") -> Chain:
    """Issued one by the other, from the root downwards; the last one is the server's, and is first
    in what is returned."""
    found = [authority(of)]
    for spec in specs:
        found.append(issue(spec, found[-1]))
    return found[:0:-1]


def sent(name: str, group: str, *specs: Spec, of: str = "root", host: str = HOST) -> CertificateRow:
    """A server that sends the whole chain without its root."""
    return CertificateRow(group, name, lambda: under(*specs, of=of), host)


def rows_of(group: str, makings: Sequence[tuple[str, Making]]) -> list[CertificateRow]:
    """Servers that send what is made."""
    return [CertificateRow(group, name, make) for name, make in makings]
