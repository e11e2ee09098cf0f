"""The rows: forms of an answer, and how a session of Chromium 156 went with each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tests.browser.odd.polls.server import CODINGS, LINES, Form
from tests.browser.odd_rows import kept_outcomes

READY = "ready"
OUTCOMES = Path(__file__).with_name("outcomes.json")
_OK, _SAID, _END = "HTTP/1.1 200 OK\r\n", "Content-Length: LENGTH\r\n", "\r\n"
_CHUNKED = "Transfer-Encoding: chunked\r\n"
_LAST = "0\r\n\r\n"


class PollRow(Struct, frozen=True):
    """One server, whose answers to polls or to POSTs are written so."""

    group: str
    name: str
    polled: Form
    posted: Form
    chromium: str = ""
    why: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether a page in Chromium has a session."""
        return self.chromium == READY


def poll_rows() -> Sequence[PollRow]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes(OUTCOMES)
    return [replace(row, chromium=kept[row.name]) for row in unasked_rows()]


def unasked_rows() -> Iterator[PollRow]:
    """The rows alone."""
    for group, name, form in (*_lines(), *_lengths(), *_chunks(), *_codings(), *_ends()):
        yield PollRow(group, f"polls: {name}", form, Form())
        yield PollRow(group, f"POST: {name}", Form(), form)


def _with(lines: str, body: str = "BODY", first: str = _OK, **more: str) -> Form:
    return Form(f"{first}{LINES}{lines}{_END}{body}", **more)


def _lines() -> Iterator[tuple[str, str, Form]]:
    group = "heads of polls"
    for name, first in (
        ("as it should be", _OK),
        ("no reason", "HTTP/1.1 200\r\n"),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\n"),
        ("HTTP/1.0, kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"),
        ("HTTP/1.2", "HTTP/1.2 200 OK\r\n"),
        ("HTTP/2", "HTTP/2 200 OK\r\n"),
        ("small letters", "http/1.1 200 ok\r\n"),
        ("Shoutcast's status line", "ICY 200 OK\r\n"),
        ("an empty line first", "\r\n" + _OK),
        ("4 bytes first", "abcd" + _OK),
        ("5 bytes first", "abcde" + _OK),
        ("100 first", "HTTP/1.1 100 Continue\r\n\r\n" + _OK),
        ("103 first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _OK),
        ("101 first", "HTTP/1.1 101 Switching Protocols\r\n\r\n" + _OK),
        ("103 first, 40 times", "HTTP/1.1 103 E\r\n\r\n" * 40 + _OK),
        ("a folded line", _OK + "X: y\r\n z\r\n"),
        ("a line without a colon", _OK + "nonsense\r\n"),
        ("a line without a name", _OK + ": y\r\n"),
        ("a null", _OK + "X: \0\r\n"),
        ("200 kB", _OK + f"X: {'a' * 200_000}\r\n"),
        ("300 kB", _OK + f"X: {'a' * 300_000}\r\n"),
        ("a Location", _OK + "Location: /x\r\n"),
        ("Locations that differ", _OK + "Location: /x\r\nLocation: /y\r\n"),
        ("dispositions that differ", _OK + "Content-Disposition: a\r\nContent-Disposition: b\r\n"),
        ("status 0200", "HTTP/1.1 0200 OK\r\n"),
        ("no status", "HTTP/1.1\r\n"),
        ("status 2000", "HTTP/1.1 2000 OK\r\n"),
    ):
        yield group, name, _with(_SAID, first=first)
    bare = f"{_OK}{LINES}{_SAID}{_END}".replace("\r\n", "\n")
    yield group, "line feeds alone", Form(f"{bare}BODY")
    yield group, "no HTTP at all", Form("BODY", "close")


def _lengths() -> Iterator[tuple[str, str, Form]]:
    group = "lengths of polls"
    for name, said in (
        ("twice alike", "Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n"),
        ("twice, differing", "Content-Length: LENGTH\r\nContent-Length: LONG\r\n"),
        ("a list of the same", "Content-Length: LENGTH, LENGTH\r\n"),
        ("of 30 digits", "Content-Length: 000000000000000000000000000LENGTH\r\n"),
        ("a blank before the colon", "Content-Length : LENGTH\r\n"),
        ("folded", "Content-Length:\r\n LENGTH\r\n"),
    ):
        yield group, f"a length {name}", _with(said)
    for name, said in (
        ("none", ""),
        ("negative", "Content-Length: -1\r\n"),
        ("with a sign", "Content-Length: +LENGTH\r\n"),
        ("no number", "Content-Length: many\r\n"),
        ("of 2^64", "Content-Length: 18446744073709551616\r\n"),
        ("one more", "Content-Length: LONG\r\n"),
        ("one less", "Content-Length: SHORT\r\n"),
    ):
        yield group, f"a length, {name}, and the end", _with(said, then="close")
    yield group, "bytes behind, and the connection kept", _with(_SAID, "BODYgarbage")
    yield group, "bytes behind, and the end", _with(_SAID, "BODYgarbage", then="close")
    yield group, "an empty line behind", _with(_SAID, "BODY\r\n")
    yield group, "another answer behind", _with(_SAID, f"BODYHTTP/1.1 500 no\r\n{LINES}\r\n")
    coded = _with("Content-Encoding: gzip\r\nContent-Length: LONG\r\n", then="close", coding="gzip")
    yield group, "a length, one more, and gzip", coded


def _chunks() -> Iterator[tuple[str, str, Form]]:
    group = "chunks of polls"
    for name, body in (
        ("one", f"CHUNKS{_LAST}"),
        ("a byte each", f"BYTES{_LAST}"),
        ("with a trailer", "CHUNKS0\r\nX: y\r\n\r\n"),
        ("by line feeds at the end", "CHUNKS0\n\n"),
        ("garbage behind", f"CHUNKS{_LAST}garbage"),
        ("a size of zeros", f"CHUNKS{'0' * 20}\r\n\r\n"),
    ):
        yield group, name, _with(_CHUNKED, body)
    for name, body in (
        ("the last one missing", "CHUNKS"),
        ("the empty line missing", "CHUNKS0\r\n"),
        ("a size that is none", f"CHUNKSx\r\n{_LAST}"),
        ("none at all", ""),
        ("the body as it is", "BODY"),
    ):
        yield group, f"{name}, and the end", _with(_CHUNKED, body, then="close")
    chunks = f"CHUNKS{_LAST}"
    yield group, "beside a length", _with(f"Content-Length: 7\r\n{_CHUNKED}", chunks)
    yield (
        group,
        "beside lengths that differ",
        _with(f"Content-Length: 7\r\nContent-Length: 8\r\n{_CHUNKED}", chunks),
    )
    for coding in ("Chunked", "gzip, chunked", "chunked, chunked", "identity, chunked"):
        yield group, f"named {coding}", _with(f"Transfer-Encoding: {coding}\r\n", chunks)
    for coding in ("identity", "gzip", "x"):
        named = f"Transfer-Encoding: {coding}\r\n"
        yield group, f"{coding} and a length", _with(named + _SAID)
        yield group, f"{coding} and the end", _with(named, then="close")
    old = "HTTP/1.0 200 OK\r\n"
    yield group, "of HTTP/1.0, and the end", _with(_CHUNKED, chunks, old, then="close")


def _codings() -> Iterator[tuple[str, str, Form]]:
    group = "codings of polls"
    for coding in CODINGS:
        words = [each for each in ("gzip", "deflate", "br") if each in coding.split()]
        said = "gzip, gzip" if coding == "gzip twice" else "".join(words)
        named = f"Content-Encoding: {said}\r\n" if said else ""
        yield group, f"{coding or 'none'}, a length", _with(named + _SAID, coding=coding)
        yield (
            group,
            f"{coding or 'none'}, chunks",
            _with(named + _CHUNKED, f"CHUNKS{_LAST}", coding=coding),
        )
    for said in ("gzip", "br", "deflate", "zstd", "x-own", "gzip, x-own", ""):
        named = f"Content-Encoding: {said}\r\n"
        yield group, f"{said or 'an empty one'} that is none", _with(named + _SAID)
    yield group, "x-gzip", _with("Content-Encoding: x-gzip\r\n" + _SAID, coding="gzip")
    yield group, "gzip that is not named", _with(_SAID, coding="gzip")


def _ends() -> Iterator[tuple[str, str, Form]]:
    group = "ends of polls"
    for then in ("close", "reset"):
        for name, said, body in (
            ("a length", _SAID, "BODY"),
            ("a length and Connection: close", f"Connection: close\r\n{_SAID}", "BODY"),
            ("chunks", _CHUNKED, f"CHUNKS{_LAST}"),
            ("half a body", "Content-Length: 9999\r\n", "BODY"),
            ("no body", _SAID, ""),
        ):
            yield group, f"{name}, then {then}", _with(said, body, then=then)
        yield group, f"no length, then {then}", _with("", then=then)
        yield group, f"half a head, then {then}", Form(f"{_OK}{LINES}Content-", then)
        yield group, f"nothing, then {then}", Form("", then)
    yield group, "Connection: close, and kept", _with("Connection: close\r\n" + _SAID)
