"""A secret that a target repeats in escapes, folds or another character set is masked too."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.diagnostics.encoded_text import layers, masked
from probe.diagnostics.redact import MASK, Redactor
from tests.diagnostics.test_redact import SECRETS

LONG = {name: secret for name, secret in SECRETS.items() if len(secret) >= 8}


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(each):04X}" for each in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "every byte in percent": percent,
    "percent twice": lambda secret: quote(percent(secret), safe=""),
    "percent thrice": lambda secret: quote(quote(quote(secret, safe=""), safe=""), safe=""),
    "percent as JavaScript's escape": lambda secret: escaped(secret).replace("\\", "%"),
    "quoted-printable": lambda secret: "".join(f"={byte:02X}" for byte in secret.encode()),
    "quoted-printable fold": lambda secret: f"{secret[:6]}=\r\n{secret[6:]}",
    "base64url without padding": lambda secret: (
        base64.urlsafe_b64encode(f"u:{secret}".encode()).decode().rstrip("=")
    ),
    "base64 in lines": lambda secret: base64.encodebytes((secret * 4).encode()).decode(),
    "base64 of UTF-16": lambda secret: base64.b64encode(secret.encode("utf-16-le")).decode(),
    "UTF-16, little end first": lambda secret: secret.encode("utf-16-le").decode("latin-1"),
    "UTF-16, big end first": lambda secret: secret.encode("utf-16-be").decode("latin-1"),
    "UTF-16 as UTF-8": lambda secret: secret.encode("utf-16").decode("utf-8", "replace"),
    "header fold": lambda secret: f"{secret[:5]}\r\n {secret[5:]}",
    "two header folds": lambda secret: f"{secret[:3]}\n\t{secret[3:7]}\r\n  {secret[7:]}",
    "header fold in a repr": lambda secret: repr(f"{secret[:5]}\r\n {secret[5:]}"),
    "hexadecimal in capitals": lambda secret: secret.encode().hex().upper(),
    "hexadecimal, mixed": lambda secret: secret.encode().hex().replace("b", "B").replace("e", "E"),
    "hexadecimal with colons": lambda secret: secret.encode().hex(":").upper(),
    "hexadecimal dump": lambda secret: secret.encode().hex(" "),
    "JSON escapes": escaped,
    "JSON escapes in JSON": lambda secret: json.dumps(escaped(secret)),
    "JSON in JSON in JSON": lambda secret: json.dumps(json.dumps(json.dumps(secret))),
    "JSON escapes of the reverse": lambda secret: escaped(secret[::-1]),
    "byte escapes": lambda secret: "".join(f"\\x{byte:02x}" for byte in secret.encode()),
    "octal escapes": lambda secret: "".join(f"\\{byte:03o}" for byte in secret.encode()),
    "ECMAScript escapes": lambda secret: "".join(f"\\u{{{ord(each):x}}}" for each in secret),
    "references": lambda secret: "".join(f"&#{ord(each)};" for each in secret),
    "references in hexadecimal": lambda secret: "".join(f"&#x{ord(each):X};" for each in secret),
    "references in references": lambda secret: html.escape(html.escape(secret)),
    "zero-width": "\u200b".join,
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("secret", LONG.values(), ids=LONG.keys())
def test_an_encoded_secret_is_masked(secret: str, encode: Callable[[str], str]) -> None:
    text = f"the server says [{encode(secret)}] here"
    cleaned = Redactor([secret]).clean(text)
    assert MASK in cleaned
    # At most the bits beside it in base64 are left, and quotes around it.
    left = cleaned.removeprefix("the server says [").removesuffix("] here").replace(MASK, "")
    assert len(left) < max(16, 0.4 * len(encode(secret)))


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_text_that_holds_no_secret_stays_as_it_is(encode: Callable[[str], str]) -> None:
    text = f"the server says [{encode('all of this is harmless: 92 % of 7')}] here"
    assert Redactor(SECRETS.values()).clean(text) == text


@given(st.text(max_size=40))
def test_a_decoded_character_knows_where_it_comes_from(text: str) -> None:
    for secret in ("Zx9!kq2Lm", "0123456789"):
        whole = f"{text}|{percent(secret)}|{text}"
        for layer in layers(whole):
            if (at := layer.text.find(secret)) >= 0:
                start, end = layer.starts[at], layer.ends[at + len(secret) - 1]
                assert masked(whole, [(start, end)], MASK) == f"{text}|{MASK}|{text}"


def test_spans_that_overlap_have_one_mask() -> None:
    assert masked("abcdefgh", [(1, 4), (3, 6), (1, 2)], MASK) == f"a{MASK}gh"


def test_escapes_without_end_are_decoded_three_times() -> None:
    text = "%" + "25" * 5000 + "41"
    assert len(list(layers(text))) <= 3
    assert len(list(layers("\\" * 4096 + "u0041"))) == 3
