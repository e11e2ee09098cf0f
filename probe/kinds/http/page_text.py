"""The text of a page, in the encoding in which a browser reads it (HTML standard, 13.2.3.2)."""

import re

from probe.net.engineio.response_text import charset_of, response_text

# Of the Encoding standard: its labels, and the codec that reads them. What is missing is read as
# UTF-8, which leaves ASCII as it is.
_LABELS = {
    "cp1252": "ansi_x3.4-1968 ascii cp1252 iso-8859-1 iso8859-1 iso_8859-1 l1 latin1 us-ascii "
    "windows-1252 x-cp1252",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1253": "cp1253 windows-1253",
    "cp1254": "cp1254 iso-8859-9 iso8859-9 l5 latin5 windows-1254",
    "cp1255": "cp1255 windows-1255",
    "cp1256": "cp1256 windows-1256",
    "cp1257": "cp1257 windows-1257",
    "cp1258": "cp1258 windows-1258",
    "cp874": "dos-874 iso-8859-11 tis-620 windows-874",
    "iso8859-2": "iso-8859-2 iso8859-2 l2 latin2",
    "iso8859-5": "cyrillic iso-8859-5",
    "iso8859-7": "greek iso-8859-7",
    "iso8859-15": "iso-8859-15 iso8859-15 l9 latin9",
    "koi8-r": "koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "gb18030": "chinese gb18030 gb2312 gb_2312 gb_2312-80 gbk x-gbk",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5",
    "cp932": "ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc_jp": "euc-jp x-euc-jp",
    "iso2022_jp": "iso-2022-jp",
    "cp949": "euc-kr korean ks_c_5601-1987 ksc5601 windows-949",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
_MARKS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_PRESCAN_BYTES = 1024
_DECLARED = re.compile(
    rb"""<(?:meta\s[^>]*?charset|\?xml\s[^>]*?encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""",
    re.IGNORECASE,
)


def holds_text(body: bytes, content_type: str, text: str) -> bool:
    """Whether the body holds a text, as its bytes in UTF-8 or as a browser reads it."""
    return text.encode() in body or text in page_text(body, content_type)


def page_text(body: bytes, content_type: str) -> str:
    """The body in the encoding of its byte order mark, its Content-Type, or its own declaration;
    without one in windows-1252. Never raises."""
    if body.startswith(_MARKS):
        return response_text(body, "")
    label = charset_of(content_type)
    if not label and (found := _DECLARED.search(body[:_PRESCAN_BYTES])):
        # UTF-16 can't be declared in ASCII.
        label = found[1].decode().lower().replace("utf-16", "utf-8")
    codec = _CODECS.get(label or "windows-1252")
    if codec is not None:
        # Null characters in a page are no part of its text (HTML standard, 13.2.6.4.7).
        return body.decode(codec, "replace").replace("\0", "")
    return response_text(body, f"text/html; charset={label}")
