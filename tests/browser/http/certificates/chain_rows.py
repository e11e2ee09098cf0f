"""Rows of chains: what a server sends beside its own certificate, in which order."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.browser.http.certificates.case import (
    INTERMEDIATE,
    CertificateRow,
    Chain,
    Making,
    authority,
    rows_of,
    sent,
    under,
)
from tests.browser.http.certificates.issuing import Issued, Spec, general_names, issue, root

_CHAINS, _CONSTRAINTS, _ODD = "chains", "name constraints", "odd certificates"
_LEAF = Spec()
_POLICY = x509.ObjectIdentifier("1.2.3")
_OTHER = root("other root")


def chains() -> Iterator[CertificateRow]:
    """What is sent, in which order."""
    yield from rows_of(_CHAINS, list(_orders()))
    yield from rows_of(_CHAINS, list(_crossed()))
    for depth in (0, 1, 2, 3, 5, 8, 10, 14):
        between = [root(f"level {at}") for at in range(depth)]
        yield sent(f"{depth} between", _CHAINS, *between, _LEAF)


def _orders() -> Iterator[tuple[str, Making]]:
    def three() -> Chain:
        return under(root("upper"), INTERMEDIATE, _LEAF)

    def within(*places: int) -> Making:
        def make() -> Chain:
            made = [*three(), authority("root"), issue(_OTHER)]
            return [made[at] for at in places]

        return make

    for name, places in (
        ("as it should be", (0, 1, 2)),
        ("with its root", (0, 1, 2, 3)),
        ("the root first", (0, 3, 2, 1)),
        ("in reverse order", (0, 2, 1)),
        ("its own alone", (0,)),
        ("without the upper one", (0, 1)),
        ("without the lower one", (0, 2)),
        ("its own twice", (0, 0, 1, 2)),
        ("each twice", (0, 0, 1, 1, 2, 2)),
        ("its own at the end too", (0, 1, 2, 0)),
        ("a stranger between", (0, 4, 1, 2)),
        ("a stranger at the end", (0, 1, 2, 4)),
        ("strangers everywhere", (0, 4, 2, 4, 1, 4)),
    ):
        yield name, within(*places)
    yield "self-signed and unknown", lambda: [issue(_LEAF)]
    yield "under an unknown root", lambda: [issue(_LEAF, issue(_OTHER))]
    yield "under an unknown root, which is sent", _under_unknown
    yield "another's chain", lambda: [issue(_LEAF), *three()[1:]]
    yield "the root as its own", lambda: [authority("root")]


def _under_unknown() -> Chain:
    top = issue(_OTHER)
    return [issue(_LEAF, top), top]


def _crossed() -> Iterator[tuple[str, Making]]:
    """An authority ``X``: signed by the root, by itself, by an unknown one."""

    def made(*which: str, ends: float = 900 * 86400.0) -> Making:
        def make() -> Chain:
            own = issue(root("X"))
            stranger = issue(_OTHER)
            known = issue(root("X", ends=ends), authority("root"), key=own.key)
            foreign = issue(root("X"), stranger, key=own.key)
            ended = issue(root("X", ends=-86400.0), stranger, key=own.key)
            below = issue(INTERMEDIATE, own)
            parts = {
                "leaf": issue(_LEAF, below),
                "below": below,
                "self": own,
                "known": known,
                "foreign": foreign,
                "ended": ended,
                "stranger": stranger,
            }
            return [parts[each] for each in which]

        return make

    for which in (
        ("known",),
        ("self",),
        ("foreign",),
        ("known", "self"),
        ("self", "known"),
        ("known", "foreign"),
        ("foreign", "known"),
        ("foreign", "stranger", "known"),
        ("known", "foreign", "stranger"),
        ("ended", "known"),
        ("known", "ended"),
        ("ended", "stranger", "known"),
    ):
        yield f"crossed: {', '.join(which)}", made("leaf", "below", *which)
    yield "crossed: known, which has ended", made("leaf", "below", "known", ends=-86400.0)
    yield "a stranger of the issuer's name first", lambda: _namesakes(first=True)
    yield "a stranger of the issuer's name second", lambda: _namesakes(first=False)
    yield "the root crossed by an unknown one", lambda: _root_crossed(-1.0, authority("root"))
    yield "the same, and that one is sent", lambda: _root_crossed(1.0, authority("root"))


def _namesakes(*, first: bool) -> Chain:
    right = under(INTERMEDIATE, _LEAF)
    wrong = issue(INTERMEDIATE, authority("root"), key=ec.generate_private_key(ec.SECP256R1()))
    return [right[0], wrong, right[1]] if first else [*right, wrong]


def _root_crossed(sends: float, known: Issued) -> Chain:
    """As Let's Encrypt did: the known root's key, certified by an older one that is not known."""
    old = issue(_OTHER)
    crossed = issue(root("root"), old, key=known.key)
    chain = [*under(INTERMEDIATE, _LEAF), crossed]
    return [*chain, old] if sends > 0 else chain


_PAIRS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("shop.test",), ()),
    (("a.shop.test",), ()),
    (("test",), ()),
    ((".shop.test",), ()),
    (("SHOP.TEST",), ()),
    (("other.test",), ()),
    (("hop.test",), ()),
    (("shop.test.",), ()),
    (("",), ()),
    (("other.test", "shop.test"), ()),
    ((), ("other.test",)),
    ((), ("shop.test",)),
    ((), ("a.shop.test",)),
    ((), (".shop.test",)),
    ((), ("test",)),
    ((), ("b.a.shop.test",)),
    ((), ("",)),
    (("shop.test",), ("a.shop.test",)),
    (("shop.test",), ("b.shop.test",)),
    (("net:10.0.0.0/8",), ()),
    ((), ("net:0.0.0.0/0",)),
    (("net:127.0.0.0/8",), ()),
    (("mail:x.test",), ()),
    (("uri:x.test",), ()),
    (("dir:other",), ()),
    (("dir:leaf",), ()),
    ((), ("dir:leaf",)),
    ((), ("dir:other",)),
)


def constraints() -> Iterator[CertificateRow]:
    """Names that an authority may certify, or may not."""
    wild, address = Spec(names=("*.shop.test",)), Spec(names=("ip:127.0.0.1",))
    for permitted, excluded in _PAIRS:
        words = [f"only {', '.join(permitted)}"] if permitted else []
        words += [f"never {', '.join(excluded)}"] if excluded else []
        shown = " ".join(words).strip()
        limits = x509.NameConstraints(
            general_names(permitted) or None, general_names(excluded) or None
        )
        between = root("intermediate", extra=((limits, True),))
        yield sent(shown, _CONSTRAINTS, between, _LEAF)
        yield sent(f"{shown}, of a wildcard", _CONSTRAINTS, between, wild)
        yield sent(f"{shown}, of an address", _CONSTRAINTS, between, address, host="127.0.0.1")
        loose = root("intermediate", extra=((limits, False),))
        yield sent(f"{shown}, not critical", _CONSTRAINTS, loose, _LEAF)


def odd() -> Iterator[CertificateRow]:
    """Extensions and numbers that are not as usual."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    policy = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)]
    )
    needs, forbids = x509.PolicyConstraints(0, None), x509.InhibitAnyPolicy(0)
    staple = x509.TLSFeature([x509.TLSFeatureType.status_request])
    poison = x509.PrecertPoison()
    for name, extension in (
        ("unknown", unknown), ("policies", policy), ("policy constraints", needs),
        ("inhibit any policy", forbids), ("staple", staple), ("poison", poison),
    ):  # fmt: skip
        for critical in (False, True):
            words = f"{name}{', critical' if critical else ''}"
            extra = ((extension, critical),)
            yield sent(f"its own has {words}", _ODD, INTERMEDIATE, Spec(extra=extra))
            yield sent(f"its issuer's has {words}", _ODD, root("intermediate", extra=extra), _LEAF)
    both = root("intermediate", extra=((needs, True), (policy, False)))
    yield sent("policies wanted, and there", _ODD, both, Spec(extra=((policy, False),)))
    yield from _identities()


def _identities() -> Iterator[CertificateRow]:
    """Numbers, key identifiers, names of issuers."""
    for name, leaf in (
        ("a serial number of 1", Spec(serial=1)),
        ("a serial number of 20 bytes", Spec(serial=(1 << 158) + 1)),
        ("no key identifiers", Spec(authority_key=None, subject_key=None)),
        ("another authority key identifier", Spec(authority_key=b"12345678901234567890")),
        ("an empty issuer's name", Spec(issuer="nobody")),
        ("an issuer's name in capitals", Spec(issuer="INTERMEDIATE")),
        ("an issuer's name with blanks", Spec(issuer=" inter mediate ")),
        ("an issuer's name between blanks", Spec(issuer=" intermediate ")),
    ):
        yield sent(name, _ODD, INTERMEDIATE, leaf)
    yield sent(
        "an issuer without key identifiers",
        _ODD,
        root("intermediate", subject_key=None, authority_key=None),
        _LEAF,
    )
    yield sent("an issuer without a name", _ODD, root(""), _LEAF)
