"""One certificate (RFC 5280, 4.1).

An own reader, because cryptography takes 10 MB of a daemon that otherwise needs nothing of it.
Nothing is verified here: OpenSSL has done that in the handshake. A certificate that is not DER is
a ValueError; of the extensions only those that are asked for are read.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from msgspec import Struct

from probe.net.certificate import der
from probe.net.certificate.keys import PublicKey, read_key, read_signature_hash
from probe.net.certificate.names import AlternativeNames, Name, read_alternative_names, read_name

_Read = TypeVar("_Read")

_VERSION, _EXTENSIONS = 0xA0, 0xA3
# issuerUniqueID and subjectUniqueID, which are not used.
_UNIQUE_IDS = (0x81, 0x82)
_KEY_USAGE, _ALTERNATIVE_NAMES, _PURPOSES = "2.5.29.15", "2.5.29.17", "2.5.29.37"
_DIGITAL_SIGNATURE, _KEY_ENCIPHERMENT = 0x80, 0x20


class KeyUsage(Struct, frozen=True, gc=False):
    """For what the key may be used (RFC 5280, 4.2.1.3), as far as TLS asks."""

    digital_signature: bool
    key_encipherment: bool


class Certificate(Struct, frozen=True, gc=False):
    """Times are seconds since 1970; ``signature_hash`` is a name of hashlib's.

    ``encoded`` is the whole in DER, ``purposes`` are the extended key usages. An extension that is
    missing, repeated or malformed is None.
    """

    encoded: bytes
    serial_number: int
    signature_hash: str | None
    issuer: Name
    not_before: float
    not_after: float
    subject: Name
    key: PublicKey
    usage: KeyUsage | None
    alternative_names: AlternativeNames | None
    purposes: tuple[str, ...] | None = None


def read_certificate(data: bytes) -> Certificate:
    """From DER. Raises ValueError."""
    outer = der.only_element(data, der.SEQUENCE).children()
    signed, algorithm = outer.next(der.SEQUENCE), outer.next(der.SEQUENCE)
    der.bits(outer.next(der.BIT_STRING))
    outer.finish()
    fields = signed.children()
    fields.optional(_VERSION)
    serial = der.integer(fields.next(der.INTEGER))
    fields.next(der.SEQUENCE)
    issuer = read_name(fields.next(der.SEQUENCE))
    begins, ends = _validity(fields.next(der.SEQUENCE))
    subject = read_name(fields.next(der.SEQUENCE))
    key = read_key(fields.next(der.SEQUENCE))
    for each in _UNIQUE_IDS:
        fields.optional(each)
    extensions = _extensions(fields.optional(_EXTENSIONS))
    fields.finish()
    return Certificate(
        encoded=data,
        serial_number=serial,
        signature_hash=read_signature_hash(algorithm),
        issuer=issuer,
        not_before=begins,
        not_after=ends,
        subject=subject,
        key=key,
        usage=_of_one(extensions, _KEY_USAGE, _usage),
        alternative_names=_of_one(extensions, _ALTERNATIVE_NAMES, _names),
        purposes=_of_one(extensions, _PURPOSES, _purposes),
    )


class _Extension(NamedTuple):
    oid: str
    critical: bool
    value: bytes


def _extensions(element: der.Element | None) -> list[_Extension]:
    if element is None:
        return []
    return [_extension(each) for each in der.only_element(element.value, der.SEQUENCE).children()]


def _extension(element: der.Element) -> _Extension:
    reader = element.children()
    oid = der.object_identifier(reader.next(der.OBJECT_IDENTIFIER))
    critical = reader.optional(der.BOOLEAN)
    value = reader.next(der.OCTET_STRING).value
    reader.finish()
    # FALSE is the default, which DER leaves out; some authorities write it.
    return _Extension(oid, critical is not None and critical.value != b"\0", value)


def _of_one(
    extensions: list[_Extension], oid: str, read: Callable[[_Extension], _Read]
) -> _Read | None:
    """What the one extension of a type says."""
    found = [each for each in extensions if each.oid == oid]
    try:
        return read(found[0]) if len(found) == 1 else None
    except ValueError:
        return None


def _usage(extension: _Extension) -> KeyUsage:
    first = der.bits(der.only_element(extension.value, der.BIT_STRING))[:1] or b"\0"
    return KeyUsage(bool(first[0] & _DIGITAL_SIGNATURE), bool(first[0] & _KEY_ENCIPHERMENT))


def _purposes(extension: _Extension) -> tuple[str, ...]:
    listed = der.only_element(extension.value, der.SEQUENCE).children()
    return tuple(der.object_identifier(each) for each in listed)


def _names(extension: _Extension) -> AlternativeNames:
    return read_alternative_names(extension.value, critical=extension.critical)


def _validity(element: der.Element) -> tuple[float, float]:
    reader = element.children()
    times = [der.instant(reader.next(der.UTC_TIME, der.GENERALIZED_TIME)) for _ in range(2)]
    reader.finish()
    return times[0], times[1]
