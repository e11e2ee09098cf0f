"""The other probes: where they are, and asking all of them at once within a bound.

``PROBE_PEERS`` names them in the order in which they notify. An address (``http://…``) is one
probe; a name without scheme (``paircam-probe.internal``) stands for every address that it has.
The asking probe may be among them: it knows itself by its own answer.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from alerts.cluster.client import Exchanges, InvalidAnswer, Post, post_question
from alerts.cluster.member import GONE_SECONDS, NOT_ASKED, Member
from alerts.cluster.protocol import (
    MAX_MEMBERS,
    InvalidMessage,
    MemberAnswer,
    Query,
    RelayedAnswer,
    read_answer,
    write,
)
from probe.core.model import CheckAborted
from probe.net.peer_address import parse_peer
from probe.net.resolver import resolve
from probe.net.urls import show_host
from probe.report.text.sanitize import clean

PATH = "/peer/verdicts"
# All asking of one round, names included, is over by then.
ASK_SECONDS, RESOLVE_SECONDS = 2.0, 1.0
# A witness asks the others meanwhile, while it is asked itself.
RELAY_SECONDS = 1.0
# Addresses change when machines are replaced.
RESOLVE_AGAIN_SECONDS = 30.0
NO_ADDRESS = "its name has no address"
TOO_SLOW = f"no answer within {ASK_SECONDS:g} s"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PeersPlan:
    """The other probes and the token of their peer API; ``entries`` as they are configured.

    ``version`` is this probe's own. ``witness``: it runs no checks and counts as a member.
    """

    entries: tuple[str, ...] = ()
    token: SecretStr | None = None
    version: str = ""
    witness: bool = False


ALONE = PeersPlan()


class Members:
    """All members, as they last answered. ``now`` gives seconds; only differences count.
    ``wall`` is the wall clock. ``post`` takes address, question and token; it raises
    TimeoutError or InvalidAnswer."""

    def __init__(
        self,
        plan: PeersPlan,
        me: str,
        now: Callable[[], float],
        post: Post | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._plan, self._me, self._now, self._wall = plan, me, now, wall
        self._post = post or post_question
        self._members: dict[str, Member] = {}
        # A name not resolved yet counts as a member.
        self._unresolved = dict.fromkeys(plan.entries, NOT_ASKED)
        self._resolved: dict[int, float] = {}
        self._exchanges, self.failures = Exchanges(), 0
        self.on_late_answer: Callable[[], None] = lambda: None

    @property
    def others(self) -> list[Member]:
        """Every probe but this one, each once, in order."""
        found: dict[str, Member] = {}
        for member in self._in_order:
            name = member.answer.id if member.answer else member.url
            # The address of it that answered last; its place is that of the first.
            if member.answered_at > found.setdefault(name, member).answered_at:
                found[name] = member
        return [each for each in found.values() if not self._is_me(each)]

    @property
    def reachable(self) -> list[Member]:
        """Those of the others that answer."""
        now = self._now()
        return [member for member in self.others if member.is_reachable(now)]

    @property
    def count(self) -> int:
        """How many members there are, this one included; a name without addresses is one."""
        return len(self.others) + len(self._unresolved) + 1

    @property
    def has_majority(self) -> bool:
        """Whether more than half of all members answer, this one included."""
        return (len(self.reachable) + 1) * 2 > self.count

    @property
    def unresolved(self) -> list[str]:
        """Names that have no address, or were not resolved yet."""
        return sorted(map(_shown, self._unresolved))

    @property
    def order(self) -> tuple[str, ...]:
        """The identifiers of all members that have answered, in the configured order."""
        ids = [member.answer.id for member in self._in_order if member.answer]
        return tuple(dict.fromkeys(ids))[:MAX_MEMBERS]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Members that can't be asked now, and why, for people."""
        missing = [(_shown(entry), problem) for entry, problem in self._unresolved.items()]
        lost = [(each.name, each.problem) for each in self.others if each.problem]
        return [each for each in (*missing, *lost) if each[1] != NOT_ASKED]

    def is_ahead(self, member: Member, region: str) -> bool:
        """Whether a member comes before this probe, which is in ``region``.

        In the configured order if this probe stands in it and the member has the same order;
        else by region and identifier, which both of them know.
        """
        answer, order = member.answer, self.order
        if answer is None:
            return False
        if self._me in order and answer.id in order:
            mine = order.index(answer.id) < order.index(self._me)
            theirs = answer.order
            if not (self._me in theirs and answer.id in theirs):
                return mine
            if mine == (theirs.index(answer.id) < theirs.index(self._me)):
                return mine
        return (answer.region, answer.id) < (region, self._me)

    async def ask(self, questions: Sequence[Query]) -> None:
        """Ask everybody; their answers are in :attr:`others` afterwards, late ones later."""
        await self._resolve_all()
        asking = {url: self._ask(each, questions) for url, each in self._members.items()}
        for url in await self._exchanges.run(asking, ASK_SECONDS):
            self._failed(self._members[url], TOO_SLOW)
        if any(each.problem for each in self.others):
            await self._ask_witness(questions)

    def cancel(self) -> None:
        """Wait for no answer any more."""
        self._exchanges.cancel()

    async def relay(self, question: Query) -> tuple[RelayedAnswer, ...]:
        """Query all others on behalf of a probe that can't; their answers within a second."""
        question = question.model_copy(update={"relay": False})

        async def answer_of(member: Member) -> RelayedAnswer | None:
            try:
                async with asyncio.timeout(RELAY_SECONDS):
                    return RelayedAnswer(
                        entry=member.place[0], answer=await self._answer_of(member, question)
                    )
            except (TimeoutError, InvalidMessage, InvalidAnswer):
                return None

        found = await asyncio.gather(*(answer_of(member) for member in self.others))
        return tuple(filter(None, found))[:MAX_MEMBERS]

    def forget_all_but(self, checks: Iterable[str], groups: Iterable[str]) -> None:
        """Nothing else is asked for any more."""
        checks, groups = frozenset(checks), frozenset(groups)
        for member in self._members.values():
            member.forget_all_but(checks, groups)

    @property
    def _in_order(self) -> list[Member]:
        members = self._members.values()
        families = {member.place[:2] for member in members if member.answer}
        entries = {index for index, _ in families}
        # Where a name has IPv4 and IPv6 addresses and one family has no route, these are no
        # further members.
        known = [
            each for each in members if each.place[:2] in families or each.place[0] not in entries
        ]
        return sorted(known, key=lambda member: member.place)

    def _is_me(self, member: Member) -> bool:
        return member.answer is not None and member.answer.id == self._me

    async def _answer_of(self, member: Member, question: Query) -> MemberAnswer:
        token = self._plan.token.get_secret_value() if self._plan.token else ""
        return read_answer(await self._post(member.url + PATH, write(question), token))

    async def _ask_witness(self, questions: Sequence[Query]) -> None:
        """Who can't be asked directly may be reached from a witness."""
        witness = next(
            (each for each in self.reachable if each.answer and each.answer.witness), None
        )
        if witness is None:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                for question in questions:
                    asked = question.model_copy(update={"relay": True})
                    answer = await self._answer_of(witness, asked)
                    for each in answer.relayed:
                        self._take_relayed(question, each)
        except (TimeoutError, InvalidMessage, InvalidAnswer):
            # It was asked just now, and is again in the next round.
            return

    def _take_relayed(self, question: Query, relayed: RelayedAnswer) -> None:
        answer = relayed.answer
        for member in self.others:
            is_known = member.answer is not None and member.answer.id == answer.id
            is_entry = member.answer is None and member.place == (relayed.entry, 0, b"")
            if member.problem and answer.id != self._me and (is_known or is_entry):
                member.record_answer(question, answer, self._now(), self._now())

    async def _ask(self, member: Member, questions: Sequence[Query]) -> None:
        clock, was_known = asyncio.get_running_loop().time, member.answer is not None
        end, problem = clock() + ASK_SECONDS, ""
        try:
            async with asyncio.timeout(GONE_SECONDS):
                for question in questions:
                    asked, sent = self._now(), self._wall()
                    answer = await self._answer_of(member, question)
                    member.record_answer(question, answer, asked, self._now())
                    if answer.time is not None and clock() < end:
                        member.offset = answer.time - (sent + self._wall()) / 2
        except TimeoutError:
            problem = TOO_SLOW
        except (InvalidMessage, InvalidAnswer) as error:
            problem = str(error)
        if clock() >= end:
            # The round is over, and has counted it as a failure.
            self.on_late_answer()
        elif problem:
            self._failed(member, problem)
        else:
            if member.problem and was_known:
                logger.info("the probe at %s answers again", show_host(member.url))
            member.problem = ""

    def _failed(self, member: Member, problem: str) -> None:
        self.failures += 1
        if problem != member.problem:
            logger.warning("the probe at %s: %s", show_host(member.url), problem)
        member.problem = problem

    async def _resolve_all(self) -> None:
        due = [
            self._resolve(index, entry)
            for index, entry in enumerate(self._plan.entries)
            if self._now() - self._resolved.get(index, float("-inf")) >= RESOLVE_AGAIN_SECONDS
        ]
        await asyncio.gather(*due)

    async def _resolve(self, index: int, entry: str) -> None:
        """Its addresses from now on; a name that can't be resolved keeps its addresses."""
        self._resolved[index] = self._now()
        if "://" in entry:
            self._unresolved.pop(entry, None)
            place = (index, 0, b"")
            self._members.setdefault(entry.rstrip("/"), Member(entry.rstrip("/"), place))
            return
        peer = parse_peer(entry)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await resolve(peer.host, peer.port)
        except (CheckAborted, TimeoutError, OSError):
            self._unresolved[entry] = NO_ADDRESS
            return
        self._unresolved.pop(entry, None)
        ips = {ipaddress.ip_address(each.ip.partition("%")[0]) for each in found}
        places = {url_of(ip, peer.port): (index, ip.version, ip.packed) for ip in ips}
        urls = sorted(places, key=places.__getitem__)[:MAX_MEMBERS]
        known = {url: each for url, each in self._members.items() if each.place[0] != index}
        for url in urls:
            known[url] = self._members.get(url) or Member(url, places[url])
        self._members = known


def _shown(entry: str) -> str:
    """An entry for people."""
    return show_host(entry) if "://" in entry else clean(entry)


def url_of(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    """An address' base URL."""
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    return f"http://{host}:{port}"
