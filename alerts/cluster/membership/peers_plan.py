"""The other probes as this one's variables name them, and what these show by themselves."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from pydantic import SecretStr

from probe.report.text.sanitize import clean


class PeersPlan(Struct, frozen=True):
    """The other probes and the token of their peer API; ``entries`` as they are configured.

    ``version`` is this probe's own. ``witness``: it runs no checks and counts as a member.
    """

    entries: tuple[str, ...] = ()
    token: SecretStr | None = None
    version: str = ""
    witness: bool = False


ALONE = PeersPlan()


def static_warnings(entries: Sequence[str], *, has_region: bool) -> tuple[str, ...]:
    """What one probe's own configuration shows before it has asked anybody."""
    if not entries:
        return ()
    found = []
    if not has_region:
        found.append(
            "PROBE_PEERS is set and PROBE_REGION is not: give each probe a region of its own, "
            "or alerts can't say where a fault is seen"
        )
    twice = [entry for entry, count in Counter(entries).items() if count > 1]
    found += [f"PROBE_PEERS names {clean(entry)} twice: remove one of them" for entry in twice]
    return tuple(found)
