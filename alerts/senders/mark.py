"""The mark of the probe that has sent a message, as it stands at a receiver; pure.

A receiver that recognizes an incident by its key takes the messages of every probe that uses the
key. The mark says who sent one: the process, a digest of its PROBE_PEERS (none without), one of the
receiver's own key where there is one, the time and the region. Digests are the first 48 bits of a
SHA-256: no address and no key can be read from them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from probe.report.text.sanitize import clean, cut

# The name under which a mark stands among a message's details.
SENT_BY = "sent_by"
MAX_REGION = 40
_NONE = "none"
_MARK = re.compile(
    r"probe id=(?P<id>[0-9a-f]{16}) peers=(?P<peers>[0-9a-f]{12}|none)"
    r" key=(?P<key>[0-9a-f]{12}|none) at=(?P<at>[0-9]{1,11}) region=(?P<region>.{0,80})"
)
# No answer of a receiver is searched deeper.
_DEEPEST = 12


class SenderMark(Struct, frozen=True):
    """Who has sent a message. ``id`` is another one for every start of a process, ``peers`` and
    ``key`` are digests, empty for none; ``at`` is by the sender's wall clock in seconds since
    1970."""

    id: str
    region: str
    peers: str = ""
    key: str = ""
    at: float = 0.0

    def __str__(self) -> str:
        peers, key = self.peers or _NONE, self.key or _NONE
        region = cut(clean(self.region), MAX_REGION)
        return (
            f"probe id={self.id} peers={peers} key={key} at={max(int(self.at), 0)} region={region}"
        )


class SentBy(Struct, frozen=True):
    """An open incident's ``key`` at a receiver, and one of those who have sent messages of it."""

    key: str
    mark: SenderMark


def parse_mark(text: object) -> SenderMark | None:
    """The mark that is written as ``text``; None if it is no mark."""
    found = _MARK.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    peers, key = (found[name].replace(_NONE, "") for name in ("peers", "key"))
    region = cut(clean(found["region"]), MAX_REGION)
    return SenderMark(found["id"], region, peers, key, float(found["at"]))


def marks_in(document: object, depth: int = 0) -> Iterator[SenderMark]:
    """Every mark in a JSON document, wherever it stands."""
    if depth > _DEEPEST:
        return
    if isinstance(document, dict):
        if (mark := parse_mark(document.get(SENT_BY))) is not None:
            yield mark
        for each in document.values():
            yield from marks_in(each, depth + 1)
    elif isinstance(document, list):
        for each in document:
            yield from marks_in(each, depth + 1)


def with_key(sender: str, key: str) -> str:
    """A message's mark with the digest of a receiver's key; empty without a mark."""
    mark = parse_mark(sender)
    return "" if mark is None else str(replace(mark, key=digest(key)))


def digest(text: str) -> str:
    """The same for the same text; 12 hexadecimal digits."""
    return hashlib.sha256(f"probe sender\n{text}".encode("utf-8", "replace")).hexdigest()[:12]


def peers_digest(entries: Iterable[str]) -> str:
    """The same for two lists that name the same probes, in any order; empty without a list."""
    names = sorted({each.strip().rstrip("/").lower() for each in entries})
    return digest("\n".join(names)) if names else ""
