"""The text of an answer, as XMLHttpRequest decodes it (XMLHttpRequest standard, "text response").

Bytes that are no text are U+FFFD, a byte order mark decides, and behind it the charset that
Content-Type names. Of the charsets of the Encoding standard those are told apart in which ASCII is
written otherwise: all others are read as UTF-8, which leaves a protocol's own signs as they are.
"""

import re

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_LITTLE = frozenset(
    ("csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le")
)
_BIG = frozenset(("unicodefffe", "utf-16be"))
# The Encoding standard's "replacement": nothing is read of them.
_REPLACED = frozenset(
    ["csiso2022kr", "hz-gb-2312", "iso-2022-cn", "iso-2022-cn-ext", "iso-2022-kr", "replacement"]
)
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TYPE = re.compile(rf"[ \t]*{_TOKEN}/{_TOKEN}[ \t]*(?:;|$)")
_PARAMETER = re.compile(
    rf'[ \t]*({_TOKEN})=(?:"((?:[^"\\]|\\.)*)"[^;]*|([^;"]*))(?:;|$)|[^;]*(?:;|$)'
)


def response_text(body: bytes, content_type: str) -> str:
    """What ``responseText`` is of these bytes with this Content-Type. Never raises."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    label = charset_of(content_type)
    if label in _REPLACED:
        return "\ufffd" if body else ""
    codec = "utf-16-le" if label in _LITTLE else "utf-16-be" if label in _BIG else "utf-8"
    return body.decode(codec, "replace")


def charset_of(content_type: str) -> str:
    """The charset in small letters, empty without one (MIME Sniffing standard, 4.4)."""
    at = len(found[0]) if (found := _TYPE.match(content_type)) else len(content_type)
    while at < len(content_type):
        match = _PARAMETER.match(content_type, at)
        if match is None or match.end() == at:
            return ""
        if (match[1] or "").lower() == "charset":
            quoted = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
            return quoted.strip(" \t\r\n\f").lower()
        at = match.end()
    return ""
