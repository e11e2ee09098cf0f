"""Which checks a shard runs: rendezvous hashing over their names, so that one more shard moves
only its share of them (Thaler and Ravishankar, 1998)."""

import hashlib
import re
from dataclasses import dataclass, replace

from probe.config.check_plan import CheckPlan
from probe.core.kind import Skipped

_FORM = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
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


def plan_of_shard(plan: CheckPlan, shard: Shard) -> CheckPlan:
    """The checks of this shard, and the references, which every shard needs for itself."""
    checks = tuple(
        check for check in plan.checks if check.table.is_reference or shard.runs(check.name)
    )
    other_checks = [check for check in plan.checks if check not in checks]
    place = f"PROBE_SHARD={shard.number}/{shard.count}"
    skipped = tuple(
        Skipped(check.kind.name, f"{check.name} runs on another shard ({place})")
        for check in other_checks
    )
    return replace(plan, checks=checks, skipped=(*plan.skipped, *skipped), may_be_empty=True)
