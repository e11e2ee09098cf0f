"""Rows of dates, and of what keys are for and how they sign."""

from collections.abc import Iterator

from tests.browser.http.certificates.case import DAY, INTERMEDIATE, CertificateRow, sent
from tests.browser.http.certificates.issuing import PURPOSES, Spec, root
from tests.kinds.http.chains import USAGES

_DATES, _USES = "dates of certificates", "what keys are for"
_SIGNATURES = "signatures and keys"
_LEAF = Spec()
_SPANS = (
    ("ended an hour ago", -9 * DAY, -3600.0),
    ("ended a minute ago", -9 * DAY, -60.0),
    ("ends in half an hour", -9 * DAY, 1800.0),
    ("begins in an hour", 3600.0, 9 * DAY),
    ("begins in half an hour", 1800.0, 9 * DAY),
    ("began a minute ago", -60.0, 9 * DAY),
    ("of 398 days", -9 * DAY, 389 * DAY),
    ("of 399 days", -9 * DAY, 390 * DAY),
    ("of 826 days", -9 * DAY, 817 * DAY),
    ("of ten years", -9 * DAY, 3641 * DAY),
    ("of 100 years", -9 * DAY, 36500 * DAY),
    ("until 9999", -9 * DAY, 2912000 * DAY),
    ("from 1950 on", -27700 * DAY, 9 * DAY),
)


_KEYS = (
    *("rsa-1024", "rsa-1536", "rsa-2048", "rsa-3072", "rsa-4096"),
    *("p-256", "p-384", "p-521", "ed25519"),
)


def dates() -> Iterator[CertificateRow]:
    """When certificates begin and end."""
    for words, begins, ends in _SPANS:
        leaf = Spec(begins=begins, ends=ends)
        yield sent(f"its own {words}", _DATES, INTERMEDIATE, leaf)
        between = root("intermediate", begins=begins, ends=ends)
        yield sent(f"its issuer's {words}", _DATES, between, _LEAF)
    for name in ("old root", "future root"):
        yield sent(f"an {name}", _DATES, INTERMEDIATE, _LEAF, of=name)
        yield sent(f"an {name} alone", _DATES, _LEAF, of=name)


def uses() -> Iterator[CertificateRow]:
    """Key usage, extended key usage, basic constraints."""
    for each in (*PURPOSES, "server client", "client code", "any client", "any server", ""):
        given = tuple(each.split())
        for critical in (False, True):
            words = f"{' and '.join(given) or 'nothing'}{', critical' if critical else ''}"
            leaf = Spec(purposes=given, critical_purposes=critical)
            if given:
                yield sent(f"its own purposes: {words}", _USES, INTERMEDIATE, leaf)
                between = root("intermediate", purposes=given, critical_purposes=critical)
                yield sent(f"its issuer's purposes: {words}", _USES, between, _LEAF)
    for usage in USAGES[:7]:
        yield sent(f"its own usage: {usage}", _USES, INTERMEDIATE, Spec(usage=(usage,)))
        yield sent(
            f"its issuer's usage: {usage}", _USES, root("intermediate", usage=(usage,)), _LEAF
        )
    yield from _basics()


def _basics() -> Iterator[CertificateRow]:
    """Who is an authority, and how far down."""
    can_sign = ("digital_signature", "key_cert_sign")
    for name, leaf in (
        ("an authority as the server's own", Spec(ca=True)),
        ("the same, that may sign", Spec(ca=True, usage=can_sign)),
        ("no basic constraints", Spec(ca=None)),
        ("basic constraints that are not critical", Spec(critical_basics=False)),
    ):
        yield sent(name, _USES, INTERMEDIATE, leaf)
    for name, between in (
        ("no authority", root("intermediate", ca=False)),
        ("no basic constraints", root("intermediate", ca=None)),
        ("basic constraints that are not critical", root("intermediate", critical_basics=False)),
        ("no usage", root("intermediate", usage=None)),
        ("a path length of 0", root("intermediate", path=0)),
    ):
        yield sent(f"its issuer has {name}", _USES, between, _LEAF)
    none, one = root("upper", path=0), root("upper", path=1)
    yield sent("a path length of 0 above another", _USES, none, INTERMEDIATE, _LEAF)
    yield sent("a path length of 1 above another", _USES, one, INTERMEDIATE, _LEAF)
    yield sent("a path length of 1 above two", _USES, one, root("middle"), INTERMEDIATE, _LEAF)
    yield sent(
        "a path length of 0 above its like", _USES, none, root("upper", issuer="upper"), _LEAF
    )
    for name in ("short root", "plain root", "root without basics", "root of clients"):
        yield sent(f"{name}", _USES, INTERMEDIATE, _LEAF, of=name)
        yield sent(f"{name} alone", _USES, _LEAF, of=name)


def signatures() -> Iterator[CertificateRow]:
    """Hashes and keys."""
    by_rsa = root("rsa intermediate", key="rsa-2048")
    for name in ("sha1", "md5", "sha224", "sha256", "sha384", "sha512", "sha3_256"):
        is_old = name in ("sha1", "md5")
        yield sent(f"its own by RSA and {name}", _SIGNATURES, by_rsa, Spec(hash=name))
        by = root("intermediate", hash=name)
        yield sent(f"its issuer's by RSA and {name}", _SIGNATURES, by, _LEAF, of="rsa root")
        if not is_old:
            pss, ecdsa = Spec(hash=name, is_pss=True), Spec(hash=name)
            yield sent(f"its own by RSA-PSS and {name}", _SIGNATURES, by_rsa, pss)
            yield sent(f"its own by ECDSA and {name}", _SIGNATURES, INTERMEDIATE, ecdsa)
            yield sent(f"its issuer's by ECDSA and {name}", _SIGNATURES, by, _LEAF)
    for key in _KEYS:
        leaf, between = Spec(f"leaf {key}", key=key), root(f"intermediate {key}", key=key)
        yield sent(f"its own key {key}", _SIGNATURES, INTERMEDIATE, leaf)
        yield sent(f"its issuer's key {key}", _SIGNATURES, between, _LEAF)
    for name in ("sha1 root", "p-521 root", "small root"):
        yield sent(name, _SIGNATURES, INTERMEDIATE, _LEAF, of=name)
