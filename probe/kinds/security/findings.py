"""What a security check finds: each with its cause, its evidence and its fix."""

from dataclasses import dataclass, field

from msgspec import Struct

from probe.core.causes import HINTS, Cause
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.untrusted.text import one_line

_LONGEST = 200
# Of a list within a sentence.
MAX_NAMES = 6


class SecurityFinding(Struct, frozen=True):
    """Something that should not be so; ``evidence`` is what was seen."""

    item: str
    cause: Cause
    evidence: str
    fix: str


@dataclass
class Findings:
    """Of one run: what was found wrong, and what was seen of everything that was examined."""

    record: Recorder
    wrong: list[SecurityFinding] = field(default_factory=list)

    def passed(self, item: str, evidence: str) -> None:
        """An item is as it should be."""
        self.record.facts[item] = _short(evidence)

    def failed(self, item: str, cause: Cause, evidence: str, fix: str = "") -> None:
        """An item is not."""
        self.record.facts[item] = _short(evidence)
        self.wrong.append(SecurityFinding(item, cause, _short(evidence), fix or HINTS[cause]))

    def raise_first(self) -> None:
        """Raise CheckFailed with all findings: the cause is the first one's."""
        if not self.wrong:
            return
        first = self.wrong[0]
        message = "; ".join(each.evidence for each in self.wrong)
        fixes = dict.fromkeys(each.fix for each in self.wrong)
        raise CheckFailed(first.cause, message, phase=first.item, hint=" ".join(fixes))


def _short(text: str) -> str:
    return one_line(text, _LONGEST)
