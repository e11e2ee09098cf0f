"""The other probes, and a query to all of them at once within a bound.

``PROBE_PEERS`` names them in the order in which they notify. The querying probe may be among them:
it knows itself by its own answer.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from alerts.cluster.membership.client import Exchanges, InvalidAnswer, Post, post_query
from alerts.cluster.membership.directory import Directory
from alerts.cluster.membership.member import GONE_SECONDS, NOT_QUERIED, Member
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import (
    MAX_MEMBERS,
    InvalidMessage,
    MemberAnswer,
    Query,
    RelayedAnswer,
    read_answer,
    write,
)
from probe.net.urls import show_host

PATH = "/peer/verdicts"
# All queries of one round, lookups of names included, is over by then.
ROUND_SECONDS = 2.0
# A witness asks the others meanwhile, while it is asked itself.
RELAY_SECONDS = 1.0
TOO_SLOW = f"no answer within {ROUND_SECONDS:g} s"

logger = logging.getLogger(__name__)


class Members:
    """All members, as they last answered. ``now`` gives seconds; only differences count.
    ``wall`` is the wall clock. ``post`` takes address, query and token; it raises
    TimeoutError or InvalidAnswer."""

    def __init__(
        self,
        plan: PeersPlan,
        own_id: str,
        now: Callable[[], float],
        post: Post | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._plan, self._own_id, self._now, self._wall = plan, own_id, now, wall
        self._post = post or post_query
        self._directory = Directory(plan.entries, now)
        self._exchanges, self.failures = Exchanges(), 0
        self.on_late_answer: Callable[[], None] = lambda: None

    @property
    def others(self) -> list[Member]:
        """Every probe but this one, each once, in order."""
        found: dict[str, Member] = {}
        for member in self._directory.in_order:
            name = member.answer.id if member.answer else member.url
            # The address of it that answered last; its place is that of the first.
            if member.answered_at > found.setdefault(name, member).answered_at:
                found[name] = member
        return [each for each in found.values() if not self._is_self(each)]

    @property
    def reachable(self) -> list[Member]:
        """Those of the others that answer."""
        now = self._now()
        return [member for member in self.others if member.is_reachable(now)]

    @property
    def count(self) -> int:
        """How many members there are, this one included; a name without addresses is one."""
        return len(self.others) + len(self._directory.unresolved) + 1

    @property
    def has_majority(self) -> bool:
        """Whether more than half of all members answer, this one included."""
        return (len(self.reachable) + 1) * 2 > self.count

    @property
    def unresolved(self) -> list[str]:
        """Names that have no address, or were not resolved yet."""
        return sorted(self._directory.unresolved)

    @property
    def order(self) -> tuple[str, ...]:
        """The identifiers of all members that have answered, in the configured order."""
        ids = [member.answer.id for member in self._directory.in_order if member.answer]
        return tuple(dict.fromkeys(ids))[:MAX_MEMBERS]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Members that can't be asked now, and why, for people."""
        missing = self._directory.unresolved.items()
        lost = [(each.name, each.problem) for each in self.others if each.problem]
        return [each for each in (*missing, *lost) if each[1] != NOT_QUERIED]

    def is_ahead(self, member: Member, region: str) -> bool:
        """Whether a member comes before this probe, which is in ``region``.

        In the configured order if this probe stands in it and the member has the same order;
        else by region and identifier, which both of them know.
        """
        answer, order = member.answer, self.order
        if answer is None:
            return False
        if self._own_id in order and answer.id in order:
            mine = order.index(answer.id) < order.index(self._own_id)
            theirs = answer.order
            if not (self._own_id in theirs and answer.id in theirs):
                return mine
            if mine == (theirs.index(answer.id) < theirs.index(self._own_id)):
                return mine
        return (answer.region, answer.id) < (region, self._own_id)

    async def query_members(self, queries: Sequence[Query]) -> None:
        """Ask everybody; their answers are in :attr:`others` afterwards, late ones later."""
        await self._directory.resolve()
        # From before the tasks begin: an answer after the round is late for all of them.
        end = asyncio.get_running_loop().time() + ROUND_SECONDS
        members = self._directory.members
        exchanges = {url: self._query(each, queries, end) for url, each in members.items()}
        for url in await self._exchanges.run(exchanges, ROUND_SECONDS):
            self._failed(members[url], TOO_SLOW)
        if any(each.problem for each in self.others):
            await self._query_witness(queries)

    def cancel(self) -> None:
        """Wait for no answer any more."""
        self._exchanges.cancel()

    async def relay(self, query: Query) -> tuple[RelayedAnswer, ...]:
        """Query all others on behalf of a probe that can't; their answers within a second."""
        query = query.model_copy(update={"relay": False})

        async def answer_of(member: Member) -> RelayedAnswer | None:
            try:
                async with asyncio.timeout(RELAY_SECONDS):
                    return RelayedAnswer(
                        entry=member.place[0], answer=await self._answer_of(member, query)
                    )
            except (TimeoutError, InvalidMessage, InvalidAnswer):
                return None

        found = await asyncio.gather(*(answer_of(member) for member in self.others))
        return tuple(filter(None, found))[:MAX_MEMBERS]

    def forget_all_but(self, checks: Iterable[str], groups: Iterable[str]) -> None:
        """Nothing else is asked for any more."""
        checks, groups = frozenset(checks), frozenset(groups)
        for member in self._directory.members.values():
            member.forget_all_but(checks, groups)

    def _is_self(self, member: Member) -> bool:
        return member.answer is not None and member.answer.id == self._own_id

    async def _answer_of(self, member: Member, query: Query) -> MemberAnswer:
        token = self._plan.token.get_secret_value() if self._plan.token else ""
        return read_answer(await self._post(member.url + PATH, write(query), token))

    async def _query_witness(self, queries: Sequence[Query]) -> None:
        """Who can't be asked directly may be reached from a witness."""
        witness = next(
            (each for each in self.reachable if each.answer and each.answer.witness), None
        )
        if witness is None:
            return
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                for query in queries:
                    forwarded = query.model_copy(update={"relay": True})
                    answer = await self._answer_of(witness, forwarded)
                    for each in answer.relayed:
                        self._take_relayed(query, each)
        except (TimeoutError, InvalidMessage, InvalidAnswer):
            # It was asked just now, and is again in the next round.
            return

    def _take_relayed(self, query: Query, relayed: RelayedAnswer) -> None:
        answer = relayed.answer
        for member in self.others:
            is_known = member.answer is not None and member.answer.id == answer.id
            is_entry = member.answer is None and member.place == (relayed.entry, 0, b"")
            if member.problem and answer.id != self._own_id and (is_known or is_entry):
                member.record_answer(query, answer, self._now(), self._now())

    async def _query(self, member: Member, queries: Sequence[Query], end: float) -> None:
        clock, was_known = asyncio.get_running_loop().time, member.answer is not None
        problem = ""
        try:
            async with asyncio.timeout(GONE_SECONDS):
                for query in queries:
                    queried_at, sent = self._now(), self._wall()
                    answer = await self._answer_of(member, query)
                    member.record_answer(query, answer, queried_at, self._now())
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
