"""Whether the members of a cluster are set up alike, from what they say of themselves."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from alerts.cluster.membership.member import NO_REGION, Member
from alerts.cluster.protocol.responder import LocalMember
from alerts.senders.membership import AnsweringMember
from probe.core.kind import Check
from probe.report.text.sanitize import clean

# A wall clock that is further off dates messages and the ends of alerts wrongly.
MAX_CLOCK_OFFSET = 5.0
SETUP_KINDS = ("region", "order", "plan", "version", "clock", "members")

logger = logging.getLogger(__name__)


class SetupProblem(Struct, frozen=True):
    """One difference in configuration: its kind, and what to do."""

    kind: str
    text: str


class SetupLog:
    """Logs each problem once, as long as it lasts."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def update(self, problems: Iterable[SetupProblem]) -> None:
        """These are the present ones."""
        found = {problem.text for problem in problems if problem.kind != "version"}
        for text in sorted(found - self._logged):
            logger.warning("%s", text)
        self._logged = found


def setup_problems(me: LocalMember, others: Sequence[Member]) -> list[SetupProblem]:
    """What differs between this probe and each of the others that has answered; a probe alone
    differs from none."""
    if not others:
        return []
    return [*_regions(me, others), *(each for other in others for each in _differences(me, other))]


def plan_digest(checks: Iterable[Check], subjects: Mapping[str, str]) -> str:
    """The same for two probes whose checks have the same names, kinds and alert groups."""
    lines = sorted(f"{each.name}\0{each.kind.name}\0{subjects.get(each.name)}" for each in checks)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def answering(member: Member) -> AnsweringMember:
    """What a member that answers says of itself."""
    answer = member.answer
    if answer is None:
        return AnsweringMember("", member.name, "", ())
    return AnsweringMember(answer.id, member.name, answer.peers, answer.order)


def _regions(me: LocalMember, others: Sequence[Member]) -> Iterable[SetupProblem]:
    regions = Counter([me.region, *(each.answer.region for each in others if each.answer)])
    for region, count in sorted(regions.items()):
        if region == NO_REGION and (count > 1 or region == me.region):
            have = "probe has" if count == 1 else "probes have"
            text = f"{count} {have} no region: set PROBE_REGION, another one for each"
            yield SetupProblem("region", text)
        elif count > 1:
            text = (
                f"{count} probes have the region {clean(region)}, and count as one: "
                "set PROBE_REGION to another one for each"
            )
            yield SetupProblem("region", text)


def _differences(me: LocalMember, other: Member) -> Iterable[SetupProblem]:
    answer, name = other.answer, other.name
    if answer is None:
        return
    if not _is_same_order(me.order, answer.order):
        text = f"{name} lists the probes in another order: use the same PROBE_PEERS everywhere"
        yield SetupProblem("order", text)
    if answer.version and me.version and answer.version != me.version:
        text = f"{name} runs version {clean(answer.version)}, this probe {me.version}"
        yield SetupProblem("version", text)
    if answer.plan and me.plan and answer.plan != me.plan and not (answer.witness or me.witness):
        text = f"{name} runs other checks than this probe: a check that one lacks has no quorum"
        yield SetupProblem("plan", text)
    if other.offset is not None and abs(other.offset) > MAX_CLOCK_OFFSET:
        side = "ahead of" if other.offset > 0 else "behind"
        text = f"the clock of {name} is {abs(other.offset):.0f} s {side} this probe's: run NTP"
        yield SetupProblem("clock", text)


def _is_same_order(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether those that both know come in the same order."""
    both = set(mine) & set(theirs)
    return [each for each in mine if each in both] == [each for each in theirs if each in both]
