"""Distinguished names and alternative names of certificates (RFC 5280, 4.1.2.4 and 4.2.1.6)."""

import ipaddress
from typing import NamedTuple

from msgspec import Struct

from probe.net.certificate import der

COMMON_NAME, ORGANIZATION = "2.5.4.3", "2.5.4.10"
# RFC 4514, section 3.
_SHORT = {
    COMMON_NAME: "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    ORGANIZATION: "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
_UTF8, _TELETEX, _UNIVERSAL, _BMP = 0x0C, 0x14, 0x1C, 0x1E
# The strings of RFC 5280, and what OpenSSL shows as text too: OCTET STRING and times.
_TEXTS = {_UTF8, 0x04, 0x12, 0x13, _TELETEX, 0x16, 0x17, 0x18, 0x1A}
_WIDE = {_UNIVERSAL: "utf-32-be", _BMP: "utf-16-be"}
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_LAST_GENERAL_NAME = 8


class Attribute(NamedTuple):
    """A part of a name: text, or bytes where the type is none of text's."""

    oid: str
    value: str | bytes


class Name(Struct, frozen=True, gc=False):
    """A distinguished name: from the root, sets of attributes, most of them of one."""

    relative: tuple[tuple[Attribute, ...], ...]

    def first(self, oid: str) -> str | None:
        """The first text of a type."""
        for each in self.relative:
            for attribute in each:
                if attribute.oid == oid and isinstance(attribute.value, str):
                    return attribute.value
        return None

    def text(self) -> str:
        """As RFC 4514 writes it: ``CN=example.org,O=Example,C=US``."""
        return ",".join(
            "+".join(f"{_SHORT.get(a.oid, a.oid)}={_escaped(a.value)}" for a in each)
            for each in reversed(self.relative)
        )


class AlternativeNames(Struct, frozen=True, gc=False):
    """The subject's alternative names, of the kinds that a TLS client compares."""

    critical: bool
    dns: tuple[str, ...]
    addresses: tuple[str, ...]

    def cover(self, host: str) -> bool:
        """Whether a DNS name is meant, as Chromium has it: with or without the root's dot, and a
        wildcard stands for any one label (net::X509Certificate::VerifyHostname)."""
        asked = host.lower().removesuffix(".")
        first, _, rest = asked.partition(".")
        wild = f"*.{rest}" if first and "." in rest else asked
        return any(each.lower().removesuffix(".") in (asked, wild) for each in self.dns)


def read_name(element: der.Element) -> Name:
    """From a Name. Raises ValueError."""
    return Name(tuple(_relative(each) for each in _all(element.children(), der.SET)))


def read_alternative_names(value: bytes, *, critical: bool) -> AlternativeNames:
    """From the extension's value. Raises ValueError."""
    dns, addresses = [], []
    for each in der.only_element(value, der.SEQUENCE).children():
        if each.tag & 0xC0 != 0x80 or each.tag & 0x1F > _LAST_GENERAL_NAME:
            raise ValueError("a general name has an unknown type")
        if each.tag == _DNS_NAME:
            dns.append(each.value.decode("ascii"))
        elif each.tag == _IP_ADDRESS:
            addresses.append(str(ipaddress.ip_address(each.value)))
    return AlternativeNames(critical, tuple(dns), tuple(addresses))


def _relative(element: der.Element) -> tuple[Attribute, ...]:
    found = tuple(_attribute(each) for each in _all(element.children(), der.SEQUENCE))
    if not found:
        raise ValueError("a relative distinguished name is empty")
    return found


def _all(reader: der.ElementReader, tag: int) -> list[der.Element]:
    found = []
    while not reader.at_end:
        found.append(reader.next(tag))
    return found


def _attribute(element: der.Element) -> Attribute:
    reader = element.children()
    oid, value = der.object_identifier(reader.next(der.OBJECT_IDENTIFIER)), reader.next()
    reader.finish()
    return Attribute(oid, _decoded(value))


def _decoded(element: der.Element) -> str | bytes:
    """What cannot be decoded is replaced: old authorities wrote Latin-1 where T.61 is declared."""
    if element.tag in _WIDE:
        return element.value.decode(_WIDE[element.tag], errors="replace")
    if element.tag == der.BIT_STRING:
        return der.bits(element)
    if element.tag not in _TEXTS:
        return element.value
    try:
        return element.value.decode()
    except UnicodeDecodeError:
        latin = element.tag == _TELETEX
        return element.value.decode("latin-1" if latin else "utf-8", errors="replace")


def _escaped(value: str | bytes) -> str:
    """RFC 4514, section 2.4."""
    if isinstance(value, bytes):
        return "#" + value.hex() if value else ""
    text = "".join(f"\\{each}" if each in '\\"+,;<>' else each for each in value)
    text = text.replace("\0", "\\00")
    if text.startswith("#") or (text.startswith(" ") and len(text) > 1):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") else text
