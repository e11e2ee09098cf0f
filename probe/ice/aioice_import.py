"""aioice without the DNS messages of its mDNS, until a candidate has a name in ``.local``.

aioice imports dnspython for such candidates (draft-ietf-mmusic-mdns-ice-candidates), which takes
2 MB of every daemon that makes calls. Here the modules of dnspython that aioice only uses in
functions are loaded by the first use (``importlib.util.LazyLoader``).
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

LATE = tuple(f"dns.{name}" for name in ("message", "name", "rdata", "rdataset", "zone"))


class _Late(MetaPathFinder):
    """Finds these modules, and loads each when something of it is used."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in LATE else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def _dns_late() -> Iterator[None]:
    """Import aioice within this; what is there already stays as it is."""
    late = _Late()
    sys.meta_path.insert(0, late)
    try:
        yield
    finally:
        sys.meta_path.remove(late)


with _dns_late():
    from aioice import Candidate, Connection, TransportPolicy
    from aioice.candidate import candidate_priority

__all__ = ["Candidate", "Connection", "TransportPolicy", "candidate_priority"]
