"""Which checks a shard runs: rendezvous hashing over their names, so that one more shard moves
only its share of them (Thaler and Ravishankar, 1998)."""

import hashlib
import re

from msgspec import Struct

_FORM = re.compile(r"(\d{1,4})/(\d{1,4})")


class Shard(Struct, frozen=True):
    """One of ``count`` shards, from 0."""

    number: int
    count: int

    @classmethod
    def of(cls, text: str) -> "Shard":
        """``0/4``. Raises ValueError that says what would be right."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError("write NUMBER/COUNT, such as 0/4 for the first of four")
        number, count = int(found[1]), int(found[2])
        if not number < count:
            raise ValueError(
                f"shards of {count} are 0 to {count - 1}: write 0/{count}, for example"
            )
        return cls(number, count)

    def runs(self, name: str) -> bool:
        """Whether a check of this name is one of this shard's."""
        return shard_of(name, self.count) == self.number


def shard_of(name: str, count: int) -> int:
    """The shard whose hash with the name is the highest."""
    return max(range(count), key=lambda number: _score(number, name))


def _score(number: int, name: str) -> bytes:
    return hashlib.blake2b(f"{number}/{name}".encode(), digest_size=8).digest()
