"""The other probes: where they are, and asking all of them at once within a bound.

``PROBE_PEERS`` names them in the order in which they tell. An address (``http://…``) is one
probe; a name without scheme (``paircam-probe.internal``) stands for every address that it has.
The asking probe may be among them: it knows itself by its own answer.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from alerts.cluster.protocol import LONGEST_ANSWER, InvalidMessage, MemberAnswer, read_answer
from probe.core.model import CheckAborted
from probe.net.peer_address import parse_peer
from probe.net.resolver import resolve
from probe.net.urls import show_host
from probe.report.text.sanitize import clean

if TYPE_CHECKING:
    import aiohttp

PATH = "/peer/verdicts"
# All asking of one round, names included, is over by then.
ASK_SECONDS, RESOLVE_SECONDS = 2.0, 1.0
# Machines come and go.
RESOLVE_AGAIN_SECONDS = 30.0
# Who has not answered for so long is gone; one lost answer is no death.
MEMBER_TIMEOUT = 8.0
MOST_MEMBERS = 100
NOT_ASKED, NO_ADDRESS = "not asked yet", "its name has no address"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PeersPlan:
    """Who the others are and what opens their doors; ``entries`` as they are configured."""

    entries: tuple[str, ...] = ()
    token: SecretStr | None = None


ALONE = PeersPlan()


@dataclass(frozen=True, slots=True)
class PeersReading:
    """How the others fare: how many there are and answer, failed questions so far, and how
    many alerts that burn are whose."""

    known: int
    reachable: int
    failures: int
    scopes: Mapping[str, int]


class InvalidAnswer(Exception):
    """No answer that is one; the text names no address and no secret."""


Post = Callable[[str, bytes, str], Awaitable[bytes]]


@dataclass(slots=True)
class Member:
    """One address. ``place`` orders them; ``asked`` are the checks of the last question that
    it answered, ``heard`` when that was, ``problem`` why it does not answer now."""

    url: str
    place: tuple[int, int, bytes]
    answer: MemberAnswer | None = None
    asked: frozenset[str] = frozenset()
    heard: float = float("-inf")
    problem: str = NOT_ASKED

    @property
    def name(self) -> str:
        """Its region, or its address before it has ever answered."""
        return clean(self.answer.region) if self.answer else show_host(self.url)

    def is_reachable(self, now: float) -> bool:
        """Whether it answers; one lost answer changes nothing."""
        lately = now - self.heard <= MEMBER_TIMEOUT
        return self.answer is not None and (not self.problem or lately)


class Members:
    """All members, as they last answered. ``now`` gives seconds; only differences count.
    ``post`` takes address, question and token; it raises TimeoutError or Unusable."""

    def __init__(
        self, plan: PeersPlan, me: str, now: Callable[[], float], post: Post | None = None
    ) -> None:
        self._plan, self._me, self._now = plan, me, now
        self._post = post or post_question
        self._members: dict[str, Member] = {}
        # Whom nobody has looked for yet is not nobody.
        self._unresolved = dict.fromkeys(plan.entries, NOT_ASKED)
        self._resolved: dict[int, float] = {}
        self.failures = 0

    @property
    def others(self) -> list[Member]:
        """Every probe but this one, each once, in order."""
        found: dict[str, Member] = {}
        for member in self._in_order:
            found.setdefault(member.answer.id if member.answer else member.url, member)
        return [each for each in found.values() if not self._is_me(each)]

    @property
    def unresolved(self) -> list[str]:
        """Names that have no address, or were not looked for yet."""
        return sorted(map(_shown, self._unresolved))

    @property
    def troubles(self) -> list[tuple[str, str]]:
        """Whom it can't ask now, and why, for people."""
        missing = [(_shown(entry), problem) for entry, problem in self._unresolved.items()]
        lost = [(each.name, each.problem) for each in self.others if each.problem]
        return [each for each in (*missing, *lost) if each[1] != NOT_ASKED]

    def is_ahead(self, member: Member, region: str) -> bool:
        """Whether a member comes before this probe, which is in ``region``.

        In the configured order if this probe stands in it, else by region and identifier, as
        all that don't stand in it do.
        """
        mine = next((each for each in self._in_order if self._is_me(each)), None)
        if mine is not None:
            return member.place < mine.place
        answer = member.answer
        return answer is not None and (answer.region, answer.id) < (region, self._me)

    async def ask(self, question: bytes, checks: Iterable[str]) -> None:
        """Ask everybody; what they answer is in :attr:`others` afterwards."""
        await self._resolve_all()
        asked = frozenset(checks)
        await asyncio.gather(
            *(self._ask(each, question, asked) for each in [*self._members.values()])
        )

    @property
    def _in_order(self) -> list[Member]:
        return sorted(self._members.values(), key=lambda member: member.place)

    def _is_me(self, member: Member) -> bool:
        return member.answer is not None and member.answer.id == self._me

    async def _ask(self, member: Member, question: bytes, asked: frozenset[str]) -> None:
        token = self._plan.token.get_secret_value() if self._plan.token else ""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answer = read_answer(await self._post(member.url + PATH, question, token))
        except TimeoutError:
            self._failed(member, f"no answer within {ASK_SECONDS:g} s")
        except (InvalidMessage, InvalidAnswer) as error:
            self._failed(member, str(error))
        else:
            if member.problem and member.heard > float("-inf"):
                logger.info("the probe at %s answers again", show_host(member.url))
            member.answer, member.asked = answer, asked
            member.heard, member.problem = self._now(), ""

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
        """Its addresses are these from now on; who can't be resolved stays where it was."""
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
        urls = sorted(places, key=places.__getitem__)[:MOST_MEMBERS]
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


async def post_question(url: str, body: bytes, token: str) -> bytes:
    """Ask one probe. Raises Unusable."""
    import aiohttp

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            # No proxy: the others are neighbours.
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise InvalidAnswer(f"it answers {response.status}{_hint(response.status)}")
            return await _body(response.content)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise InvalidAnswer(type(error).__name__) from None


async def _body(content: "aiohttp.StreamReader") -> bytes:
    body = b""
    while more := await content.read(LONGEST_ANSWER):
        body += more
        if len(body) > LONGEST_ANSWER:
            raise InvalidAnswer("its answer is too long")
    return body


def _hint(status: int) -> str:
    hints = {
        401: ": PROBE_PEER_TOKEN is not the same there",
        404: ": PROBE_PEER_TOKEN is not set there",
        429: ": it is asked too often",
    }
    return hints.get(status, "")
